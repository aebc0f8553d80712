# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module app_source from its options to a source in place; repositories, archives and folders are real."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import pathlib
import pwd
import shutil
import tarfile

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import systemd
from ansible_collections.pyweb.stack.plugins.module_utils._module import variable_rules
from ansible_collections.pyweb.stack.plugins.module_utils._release import stores
from ansible_collections.pyweb.stack.plugins.module_utils._steps import app_source

USER = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def source(tmp_path, monkeypatch, as_root, play):
    """Play the module for the app shop; `check` is check mode."""
    monkeypatch.setattr(variable_rules, "faults", lambda _variables: [])
    monkeypatch.setattr(systemd, "commands", lambda _app: [])
    monkeypatch.setattr(stores, "TRIAL", str(tmp_path / "trial"))
    (tmp_path / "srv").mkdir()

    def source(check=False, **given) -> dict:
        return play("app_source", check, name="shop", root=str(tmp_path / "srv"), user=USER, **given)

    return source


@pytest.fixture
def repository(tmp_path, git, write):
    """Return a repository with an app in it."""
    folder = write(tmp_path / "repository", {"shop.py": "app = 1\n", "README": "x"})
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "one")
    return folder


def test_a_commit_is_fetched_once_and_a_new_one_beside_it(source, repository, git, tmp_path):
    given = {"git": f"file://{repository}", "version": "main"}
    foretold = source(check=True, **given)
    assert (foretold["changed"], foretold["version"]) == (True, "main")
    # What check mode read is elsewhere, where the steps after this one find it.
    assert os.path.exists(f"{tmp_path}/trial{foretold['path']}/shop.py")
    assert not os.path.exists(foretold["path"])
    made = source(**given)
    assert (made["changed"], made["path"], made["digest"]) == (True, foretold["path"], foretold["digest"])
    assert sorted(os.listdir(made["path"])) == ["README", "__pycache__", "shop.py"]
    assert not os.path.exists(f"{tmp_path}/trial{tmp_path}/srv/shop")
    again = source(**given)
    assert (again["changed"], again["path"]) == (False, made["path"])

    (repository / "shop.py").write_text("app = 2\n")
    git(repository, "commit", "--quiet", "-am", "two")
    newer = source(**given)
    assert newer["changed"]
    assert pathlib.Path(newer["path"], "shop.py").read_text() == "app = 2\n"
    assert pathlib.Path(made["path"], "shop.py").read_text() == "app = 1\n"


def test_a_version_that_is_not_there(source, repository):
    refused = source(git=f"file://{repository}", version="nosuch")["msg"]
    assert "gunicorn_source" in refused
    assert "nosuch" in refused


def test_a_host_without_git_is_told_to_install_it_and_check_mode_goes_on(source, monkeypatch):
    which = shutil.which
    monkeypatch.setattr(app_source.shutil, "which", lambda name: None if name == "git" else which(name))
    given = {"git": "https://git.example.com/shop.git"}
    assert source(**given)["msg"].startswith("gunicorn_source.git: the target has no git, or no ssh: install git")
    foretold = source(check=True, **given)
    assert (foretold["changed"], foretold["path"], foretold["digest"]) == (True, "", None)


def test_a_key_of_the_controller_is_waited_for(source):
    # Only the commit is asked for with it, which takes the key.
    assert app_source._is_to_be_sent({"git": "ssh://x", "ssh_key": "~/.ssh/id", "key": None})
    assert not app_source._is_to_be_sent({"git": "ssh://x", "ssh_key": "~/.ssh/id", "key": "KEY"})
    assert not app_source._is_to_be_sent({"git": "ssh://x", "ssh_key": None, "key": None})


@pytest.fixture
def archive(tmp_path, write):
    """Return an archive and its checksum."""
    write(tmp_path / "shop-1.0", {"shop.py": "app = 1\n"})
    with tarfile.open(tmp_path / "shop-1.0.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "shop-1.0", "shop-1.0")
    path = tmp_path / "shop-1.0.tar.gz"
    return {"archive": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def test_an_archive_of_the_controller_is_waited_for_and_unpacked_when_it_is_here(source, archive):
    waiting = source(**archive)
    assert (waiting["waits"], waiting["changed"], waiting["path"]) == (True, True, "")
    made = source(**archive, sent=archive["archive"])
    assert (made["changed"], made["version"]) == (True, "shop-1.0.tar.gz")
    assert pathlib.Path(made["path"], "shop.py").read_text() == "app = 1\n"
    # By its checksum it is known without being sent again.
    assert (source(**archive)["changed"], source(**archive)["waits"]) == (False, False)


def test_an_archive_that_is_another_one(source, archive, tmp_path):
    refused = source(**{**archive, "sha256": "0" * 64}, sent=archive["archive"])["msg"]
    assert refused.startswith(f"gunicorn_source.sha256 is {'0' * 64}, but ")
    assert os.listdir(tmp_path / "srv/shop/sources") == []


def test_a_folder_of_the_host_is_copied_without_what_git_ignores(source, write, tmp_path, git):
    folder = write(tmp_path / "project", {"shop.py": "app = 1\n", ".gitignore": "dist\n", "dist/site.js": "x"})
    git(folder, "init", "--quiet")
    made = source(path=str(folder))
    assert not os.path.exists(f"{made['path']}/dist")
    assert not source(path=str(folder))["changed"]
    with_it = source(path=str(folder), include=["dist"])
    assert os.path.exists(f"{with_it['path']}/dist/site.js")
    assert source(path=str(tmp_path / "nosuch"))["msg"].startswith("gunicorn_source.path: ")


def test_a_folder_of_the_controller_is_waited_for(source):
    waiting = source(directory="/home/ann/shop", digest="a" * 40)
    assert (waiting["waits"], waiting["digest"]) == (True, "a" * 40)


def test_files_of_the_user_are_part_of_it_and_not_shown(source, write, tmp_path):
    folder = write(tmp_path / "project", {"shop.py": "app = 1\n"})
    plain = source(path=str(folder))
    given = {"path": str(folder), "source_files": {".env": "KEY=hunter2\n"}}
    made = source(**given)
    assert made["digest"] != plain["digest"]
    assert pathlib.Path(made["path"], ".env").read_text() == "KEY=hunter2\n"
    assert not source(**given)["changed"]
    assert "hunter2" not in json.dumps(made["invocation"])
    other = source(**{**given, "source_files": {".env": "KEY=other\n"}})
    assert other["digest"] != made["digest"]


def test_the_digest_of_a_secret_can_not_be_checked_on_another_host(source, write, tmp_path):
    folder = write(tmp_path / "project", {"shop.py": "app = 1\n"})
    given = {"path": str(folder), "source_files": {".env": "KEY=hunter2\n"}}
    first = source(**given)["digest"]
    shutil.rmtree(tmp_path / "srv/shop")
    assert source(**given)["digest"] != first


def test_what_a_source_brings_is_warned_of(source, write, tmp_path):
    folder = write(tmp_path / "project", {"shop.py": "app = 1\n", ".env": "KEY=x\n"})
    made = source(path=str(folder))
    assert ".env" in made["warned"]
    assert ".env" not in source(path=str(folder), source_files={".env": "KEY=mine\n"})["warned"]


def test_what_another_run_fetched_while_this_one_waited_is_taken(source, write, tmp_path, monkeypatch):
    folder = write(tmp_path / "project", {"shop.py": "app = 1\n"})
    given = {"path": str(folder)}
    first = source(**given)
    kept = f"{tmp_path}/kept"
    os.rename(first["path"], kept)
    locked = stores.Store.locked

    @contextlib.contextmanager
    def after_another(store, purpose):
        with locked(store, purpose):
            if not os.path.exists(first["path"]):
                os.rename(kept, first["path"])
            yield

    monkeypatch.setattr(stores.Store, "locked", after_another)
    monkeypatch.setattr(app_source.Tree, "export", lambda *_arguments: pytest.fail("it was fetched again"))
    assert source(**given)["path"] == first["path"]


def test_a_folder_of_somebody_else_is_no_apps(source, write, tmp_path):
    write(tmp_path / "srv/shop", {"index.html": "x"})
    folder = write(tmp_path / "project", {"shop.py": "app = 1\n"})
    assert "was not made by this role: move it away" in source(path=str(folder))["msg"]
    assert os.listdir(tmp_path / "srv/shop") == ["index.html"]


def test_a_file_in_the_place_of_the_folder_is_no_apps(source, write, tmp_path):
    write(tmp_path / "srv", {"shop": "x"})
    folder = write(tmp_path / "project", {"shop.py": "app = 1\n"})
    for check in (True, False):
        assert "was not made by this role: move it away" in source(check, path=str(folder))["msg"]


def test_check_mode_that_has_no_room_says_nothing_of_it(source, write, tmp_path, monkeypatch):
    folder = write(tmp_path / "project", {"shop.py": "app = 1\n"})

    def fail(*_arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(app_source.Tree, "export", fail)
    foretold = source(check=True, path=str(folder))
    assert (foretold["changed"], foretold["path"]) == (True, "")
    assert not os.path.exists(tmp_path / "trial/srv/shop")
    assert "No space left on device" in source(path=str(folder))["msg"]


@pytest.mark.parametrize(
    "given", [{}, {"path": "/opt/shop", "directory": "/home/ann/shop"}, {"archive": "/tmp/shop.tar"}]
)
def test_kinds_that_do_not_go_together_are_refused(source, given):
    assert source(**given)["failed"]
