# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""As whom git runs, and what it sees there; what it can't do there is tested on servers."""

from __future__ import annotations

import contextlib
import os
import pathlib

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import sandboxes, sealing
from ansible_collections.pyweb.stack.plugins.module_utils._source import git_sandbox
from ansible_collections.pyweb.stack.plugins.module_utils._source.ssh import Ssh


@pytest.fixture
def entered(monkeypatch, tmp_path):
    """Enter the sandbox for a repository; return its description, the environment in it, and the files of its home."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("GIT_CONFIG_GLOBAL", *git_sandbox._AUTHORITIES):
        monkeypatch.delenv(name, raising=False)
    really, seen = sandboxes.Sandbox.entered, []

    @contextlib.contextmanager
    def noted(sandbox, seconds):
        seen.append(sandbox)
        with really(sandbox, seconds) as run:
            yield run

    monkeypatch.setattr(sandboxes.Sandbox, "entered", noted)

    def entered(url, **more):
        with git_sandbox.entered(url, Ssh("a key", None), [], {}, **more) as git:
            environment = dict(line.split("=", 1) for line in git.beside(["env"]).stdout.splitlines())
            home = pathlib.Path(environment["HOME"])
            files = {
                str(path.relative_to(home)): (path.read_text(), path.stat().st_mode & 0o777)
                for path in home.rglob("*")
                if path.is_file()
            }
        return seen.pop(), environment, files

    return entered


@pytest.mark.parametrize(
    "url", ["https://example.com/shop.git", "git@example.com:shop.git", "ssh://example.com/shop.git"]
)
def test_a_repository_of_another_host_is_read_by_an_account_that_owns_nothing(entered, url, tmp_path):
    sandbox, environment, files = entered(url, work=str(tmp_path))
    assert (sandbox.account, sandbox.network, sandbox.largest) == ("", True, sealing.MOST_BYTES)
    assert sandbox.writes == {str(tmp_path): str(tmp_path)}
    assert list(sandbox.reads) == [environment["HOME"]]
    assert environment["GIT_SSH_COMMAND"].endswith(f"{environment['HOME']}/ssh")
    assert "a key" not in str(files)


def test_it_has_the_settings_and_the_passwords_that_root_has_for_git(entered, tmp_path, write):
    write(tmp_path, {".config/git/config": "[a]\nb = 1", ".gitconfig": "[a]\nb = 2", ".netrc": "machine", "other": ""})
    (tmp_path / ".netrc").chmod(0o600)
    files = entered("https://example.com/shop.git")[2]
    assert files.pop("ssh")
    assert files == {".gitconfig": ("[a]\nb = 1\n[a]\nb = 2", 0o644), ".netrc": ("machine", 0o644)}


def test_settings_that_are_named_count_alone(entered, tmp_path, write, monkeypatch):
    write(tmp_path, {".gitconfig": "[a]", "named": "[b]"})
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "named"))
    _sandbox, environment, files = entered("https://example.com/shop.git")
    assert files[".gitconfig"][0] == "[b]"
    assert "GIT_CONFIG_GLOBAL" not in environment


def test_of_the_environment_it_has_what_is_for_git(entered, monkeypatch, tmp_path):
    monkeypatch.setenv("SECRET", "planted")
    monkeypatch.setenv("GIT_DIR", "/of/a/hook")
    monkeypatch.setenv("https_proxy", "http://proxy.example.com")
    monkeypatch.setenv("GIT_SSL_CAINFO", str(tmp_path))
    sandbox, environment, _files = entered("https://example.com/shop.git")
    assert not {"SECRET", "GIT_DIR"} & set(environment)
    assert environment["https_proxy"] == "http://proxy.example.com"
    assert sandbox.reads[str(tmp_path)] == str(tmp_path)


@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_a_repository_of_this_host_is_read_by_its_owner_with_nothing_of_roots(entered, tmp_path, write, form):
    write(tmp_path, {".gitconfig": "[a]", "of/shop:1.git/HEAD": ""})
    folder = tmp_path / "of/shop:1.git"
    if os.geteuid() == 0:
        os.chown(folder, 4711, 4711)
    sandbox, environment, files = entered(form.format(folder))
    assert sandbox.account == ("4711" if os.geteuid() == 0 else "root")
    assert sandbox.reads == {str(folder): str(folder), environment["HOME"]: environment["HOME"]}
    assert files == {}
    assert "GIT_SSH_COMMAND" not in environment


def test_what_is_not_there_is_for_git_to_say(entered):
    sandbox, _environment, _files = entered("/nosuch/shop.git")
    assert (sandbox.account, len(sandbox.reads)) == ("", 1)
