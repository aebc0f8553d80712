# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A git repository as a source; the repositories are real."""

from __future__ import annotations

import os

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._git import GitError, Repository


@pytest.fixture(scope="module")
def origin(tmp_path_factory, git, write):
    """Return a repository with three commits, of which the first has no name."""
    folder = write(tmp_path_factory.mktemp("origin"), {"app.py": "zero", "bin/run": "#!/bin/sh\n"})
    (folder / "bin/run").chmod(0o755)
    (folder / "link").symlink_to("app.py")
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "zero")
    write(folder, {"app.py": "one"})
    git(folder, "commit", "--quiet", "-a", "-m", "one")
    git(folder, "tag", "v1", "-m", "an annotated tag")
    git(folder, "tag", "both")
    write(folder, {"app.py": "two"})
    git(folder, "commit", "--quiet", "-a", "-m", "two")
    git(folder, "tag", "v2")
    for branch in ("both", "feature/main", "side"):
        git(folder, "branch", branch)
    return folder


@pytest.mark.parametrize(
    ("version", "commit"),
    [
        pytest.param("HEAD", "HEAD", id="the default branch"),
        pytest.param("main", "HEAD", id="a branch, not another that ends like it"),
        pytest.param("feature/main", "HEAD", id="a branch in a folder"),
        pytest.param("v2", "HEAD", id="a tag"),
        pytest.param("v1", "HEAD~", id="the commit of an annotated tag"),
        pytest.param("both", "HEAD~", id="a tag before a branch"),
        pytest.param("refs/heads/both", "HEAD", id="a whole name"),
    ],
)
def test_a_version_stands_for(origin, git, version, commit):
    assert Repository(str(origin)).commit(version) == git(origin, "rev-parse", commit)


def test_a_whole_commit_needs_no_question():
    assert Repository("/nosuch").commit("0123456789" * 4) == "0123456789" * 4


@pytest.mark.parametrize("version", ["nosuch", "ain", "mai", "0123456", "A" * 40])
def test_a_version_that_is_not_there(origin, version):
    said = f"gunicorn_source.version is '{version}', but {origin} has no such branch or tag; .* all its 40 digits"
    with pytest.raises(GitError, match=said):
        Repository(str(origin)).commit(version)


@pytest.mark.parametrize("protocol", ["2", "0"])
@pytest.mark.parametrize(("commit", "text"), [("HEAD", "two"), ("HEAD~2", "zero")])
def test_the_files_of_a_commit(origin, git, tmp_path, monkeypatch, protocol, commit, text):
    """The older protocol gives out only commits that have a name."""
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "protocol.version")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", protocol)
    folder = tmp_path / "sources/stage"
    folder.mkdir(parents=True)

    Repository(str(origin)).export(git(origin, "rev-parse", commit), str(folder))

    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")) == [
        "app.py",
        "bin",
        "bin/run",
        "link",
    ]
    assert (folder / "app.py").read_text() == text
    assert os.access(folder / "bin/run", os.X_OK)
    assert os.readlink(folder / "link") == "app.py"
    assert os.listdir(tmp_path / "sources") == ["stage"]


def test_a_commit_that_is_not_there(origin, tmp_path):
    (tmp_path / "stage").mkdir()
    with pytest.raises(GitError, match=f"gunicorn_source.version is '{'a' * 40}'"):
        Repository(str(origin)).export("a" * 40, str(tmp_path / "stage"))
    assert os.listdir(tmp_path / "stage") == []


def test_a_repository_that_is_not_there(tmp_path):
    with pytest.raises(
        GitError, match=f"gunicorn_source.git: {tmp_path}/nosuch can't be read: .*does not exist|not appear"
    ):
        Repository(f"{tmp_path}/nosuch").commit("main")


@pytest.mark.parametrize("password", ["hunter2", "hun%74er2", "hun@ter2"])
def test_a_password_is_not_shown(password, monkeypatch):
    # Nobody listens on port 1.
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(GitError, match=r"gunicorn_source.git: https://127.0.0.1:1/shop.git can't be read: ") as caught:
        Repository(f"https://me:{password}@127.0.0.1:1/shop.git").commit("main")
    assert "er2" not in str(caught.value)


def test_a_url_is_no_option(tmp_path):
    with pytest.raises(GitError):
        Repository(f"--upload-pack=touch {tmp_path}/touched").commit("main")
    assert os.listdir(tmp_path) == []
