# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of a folder are the source, and that they arrive as they are."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import socket
import tarfile
import tempfile

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._source import folder as trees
from ansible_collections.pyweb.stack.plugins.module_utils._source import large_files
from ansible_collections.pyweb.stack.plugins.module_utils._source.folder import Packed, Tree, TreeError
from ansible_collections.pyweb.stack.plugins.module_utils._text import digests

FILES = {
    ".gitignore": "*.log\n/.env\nvenv/\n",
    "app.py": "",
    "src/__init__.py": "",
    "notes": "nobody has told git of this yet",
    "src/debug.log": "",
    ".env": "SECRET_KEY=hunter2",
    "venv/bin/python": "",
}
# A name that no locale and no shell would like.
ODD = "größe \n'\"$x"


def _files(folder) -> list[str]:
    return Tree(str(folder), "this host").files()


@pytest.fixture
def work_tree(tmp_path, git, write):
    """Return a work tree with files that git tracks, would add, and ignores."""
    folder = write(tmp_path / "shop", FILES)
    git(folder, "init", "--quiet")
    git(folder, "add", ".gitignore", "app.py", "src")
    git(folder, "commit", "--quiet", "-m", "one")
    return folder


def test_what_git_ignores_stays_behind(work_tree):
    assert _files(work_tree) == [".gitignore", "app.py", "notes", "src/__init__.py"]


def test_what_git_ignores_comes_along_where_it_was_asked_for(work_tree):
    def files(*include):
        return set(Tree(str(work_tree), "this host", include).files()) - set(_files(work_tree))

    assert files("venv/") == files("venv", "app.py") == {"venv/bin/python"}
    assert files("src/debug.log") == {"src/debug.log"}
    (work_tree / "out").symlink_to("/etc")
    for path in ("dist", "out/hosts", "out/ssh"):
        with pytest.raises(TreeError, match=f"gunicorn_include has '{path}', but there is no such file or folder"):
            files(path)


def test_a_folder_inside_a_work_tree(work_tree):
    assert _files(work_tree / "src") == ["__init__.py"]


def test_a_tracked_file_that_was_deleted_is_no_part(work_tree):
    (work_tree / "app.py").unlink()
    assert "app.py" not in _files(work_tree)


def test_a_tracked_file_counts_whatever_gitignore_says(work_tree, git):
    git(work_tree, "add", "--force", "src/debug.log")
    assert "src/debug.log" in _files(work_tree)


def test_links_are_links(work_tree, tmp_path):
    for name, target in {"file": "app.py", "folder": "src", "nowhere": "nosuch", "outside": str(tmp_path)}.items():
        (work_tree / name).symlink_to(target)
    assert {"file", "folder", "nowhere", "outside"} < set(_files(work_tree))
    assert not any(path.startswith(("folder/", "outside/")) for path in _files(work_tree))


def test_names_need_not_be_nice(work_tree, write):
    write(work_tree, {ODD: ""})
    assert ODD in _files(work_tree)


def test_a_submodule_brings_its_files_but_not_what_it_ignores(work_tree, tmp_path, git, write):
    library = write(tmp_path / "library", {"lib.py": "", ".gitignore": "*.key\n"})
    git(library, "init", "--quiet")
    git(library, "add", ".")
    git(library, "commit", "--quiet", "-m", "one")
    git(work_tree, "submodule", "--quiet", "add", str(library), "lib")
    write(work_tree, {"lib/deploy.key": "hunter2"})

    assert [path for path in _files(work_tree) if path.startswith("lib")] == ["lib/.gitignore", "lib/lib.py"]


def test_a_submodule_that_was_not_fetched_is_empty(work_tree, git):
    git(work_tree, "update-index", "--add", "--cacheinfo", f"160000,{git(work_tree, 'rev-parse', 'HEAD')},lib")
    (work_tree / "lib").mkdir()
    assert not any(path.startswith("lib") for path in _files(work_tree))


def test_a_plain_folder_brings_all_but_what_python_and_git_make(tmp_path, write):
    caches = {"__pycache__/app.cpython-311.pyc": "", "src/old.pyc": "", "src/__pycache__/notes": ""}
    leftovers = {**caches, "lib/.git": "gitdir: elsewhere", "other/.git/config": ""}
    folder = write(tmp_path, {**FILES, **leftovers})
    (folder / "link").symlink_to("src")
    assert _files(folder) == sorted([*FILES, "link"])


def test_a_socket_or_pipe_that_lies_about_is_no_file(tmp_path, write):
    write(tmp_path, {"app.py": ""})
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "app.sock"))
        assert _files(tmp_path) == ["app.py"]


def test_a_link_into_a_work_tree(work_tree, tmp_path):
    (tmp_path / "link").symlink_to(work_tree / "src")
    assert _files(tmp_path / "link") == ["__init__.py"]


def test_a_hook_of_git_may_run_the_playbook(work_tree, tmp_path, git, monkeypatch):
    before = _files(work_tree)
    git(tmp_path, "init", "--quiet", "--bare", "hooked.git")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "hooked.git"))
    assert _files(work_tree) == before


def test_without_git_a_plain_folder_will_do(tmp_path, write, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path / "nosuch"))
    assert _files(write(tmp_path / "plain", {"app.py": ""})) == ["app.py"]


def test_without_git_nobody_knows_what_to_leave_behind(work_tree, monkeypatch):
    monkeypatch.setenv("PATH", str(work_tree / "nosuch"))
    with pytest.raises(TreeError, match=r"/src is in a git work tree, .* git is not installed on this host"):
        _files(work_tree / "src")


@pytest.fixture
def of_somebody_else(work_tree):
    """Return the work tree where somebody else can reach it, whose it is."""
    if os.geteuid() != 0:
        pytest.skip("only root may give files to somebody else")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        theirs = pathlib.Path(folder, "shop")
        shutil.move(work_tree, theirs)
        yield theirs


def _give_away(folder) -> None:
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, 65534, 65534, follow_symlinks=False)


def test_a_work_tree_of_somebody_else_runs_nothing_of_theirs(of_somebody_else, git):
    folder = of_somebody_else
    git(folder, "config", "core.fsmonitor", f"touch {folder}/touched")
    before = _files(folder)
    _give_away(folder)
    assert _files(folder) == before
    assert not (folder / "touched").exists()


def test_a_work_tree_that_lacks_an_object_fetches_none(of_somebody_else, git):
    folder = of_somebody_else
    git(folder, "sparse-checkout", "set", "--cone", "--sparse-index", "src")
    for name, value in {
        "core.sshCommand": f"touch {folder}/touched; false",
        "remote.origin.url": "ssh://nobody@localhost/x",
        "remote.origin.promisor": "true",
        "core.repositoryformatversion": "1",
        "extensions.partialclone": "origin",
    }.items():
        git(folder, "config", name, value)
    shutil.rmtree(folder / ".git/objects")
    (folder / ".git/objects").mkdir()
    _give_away(folder)
    with contextlib.suppress(TreeError):
        _files(folder)
    assert not (folder / "touched").exists()


def test_what_somebody_cannot_read_does_not_get_into_their_source(of_somebody_else, tmp_path):
    (of_somebody_else / "link").symlink_to("/etc/shadow")
    _give_away(of_somebody_else)
    (of_somebody_else / "app.py").write_text("of root")
    (of_somebody_else / "app.py").chmod(0o600)
    os.chown(of_somebody_else / "app.py", 0, 0)
    with pytest.raises(TreeError, match=r"Permission denied: '.*/app.py'"):
        _files(of_somebody_else)


def test_who_can_lead_the_way_elsewhere_is_who_reads(of_somebody_else, tmp_path, write):
    secret = write(tmp_path / "secret", {"key": "hunter2"})
    shutil.rmtree(of_somebody_else)
    of_somebody_else.symlink_to(secret)
    os.chown(of_somebody_else, 65534, 65534, follow_symlinks=False)
    with pytest.raises(TreeError, match="Permission denied"):
        _files(of_somebody_else)


def test_a_name_behind_a_link_is_refused(work_tree, tmp_path, git, write):
    write(work_tree, {"e/evil": "of theirs"})
    git(work_tree, "add", "e")
    write(tmp_path / "elsewhere", {"evil": "of root"})
    shutil.rmtree(work_tree / "e")
    (work_tree / "e").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TreeError, match=r"git has 'e/evil' in .*, but 'e' is a link there"):
        _files(work_tree)


def test_nothing_is_written_by_way_of_a_link(tmp_path):
    packed = tmp_path / "packed"
    with tarfile.open(packed, "w") as tar:
        link, evil = tarfile.TarInfo("e"), tarfile.TarInfo("e/evil")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "elsewhere")
        tar.addfile(link)
        tar.addfile(evil)
    for folder in ("elsewhere", "out"):
        (tmp_path / folder).mkdir()
    with pytest.raises(TreeError, match="the link 'e' is a folder, too"):
        Packed(str(packed), "x").export(str(tmp_path / "out"))
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(lambda folder: None, "there is no folder .*/shop on this host", id="not there"),
        pytest.param(lambda folder: folder.touch(), "there is no folder .*/shop on this host", id="a file"),
        pytest.param(
            lambda folder: folder.mkdir(), ".*/shop on this host holds no file that git doesn't ignore", id="empty"
        ),
    ],
)
def test_a_folder_that_is_no_source(tmp_path, make, said):
    make(tmp_path / "shop")
    with pytest.raises(TreeError, match=said):
        _files(tmp_path / "shop")


@pytest.fixture(params=["copied", "sent"])
def travel(request, tmp_path):
    """Let a folder travel, in both ways that there are, between finding it and what the test does to it."""

    def travel(folder, meanwhile=lambda: None):
        tree = Tree(str(folder), "this host")
        arrived = tmp_path / "arrived"
        arrived.mkdir()
        meanwhile()
        if request.param == "copied":
            tree.export(str(arrived))
        else:
            with tempfile.NamedTemporaryFile(suffix=".tar.gz") as archive:
                tree.pack(archive)
                Packed(archive.name, tree.digest()).export(str(arrived))
        return tree, arrived

    return travel


def test_what_arrives_is_what_was_there(work_tree, travel, write):
    write(work_tree, {"bin/run": "#!/bin/sh\n", ODD: ""})
    (work_tree / "bin/run").chmod(0o755)
    (work_tree / "link").symlink_to("bin/run")
    os.link(work_tree / "app.py", work_tree / "same.py")
    paths = _files(work_tree)

    tree, arrived = travel(work_tree)

    assert paths == _files(arrived)
    assert digests.of_tree(str(arrived), paths) == digests.of_tree(str(work_tree), paths)
    assert tree.digest() == digests.of_tree(str(work_tree), paths)[:40]


def test_what_changes_on_the_way_is_not_taken(work_tree, travel, write):
    with pytest.raises(TreeError, match="its files changed while they were copied: run again"):
        travel(work_tree, meanwhile=lambda: write(work_tree, {"app.py": "half a"}))


def test_a_folder_that_gives_way_to_a_link_meanwhile_brings_nothing_from_there(
    work_tree, travel, write, tmp_path, monkeypatch
):
    # Whose it is in a folder of root's sees when that is read.
    write(tmp_path / "secret", {"key": "hunter2"})
    write(work_tree, {"theirs/key": "of theirs"})
    refuse = trees._refuse_behind_link

    def then_replace(top, name):
        refuse(top, name)
        if name == "theirs/key" and not (work_tree / "theirs").is_symlink():
            (work_tree / "theirs").rename(tmp_path / "aside")
            (work_tree / "theirs").symlink_to(tmp_path / "secret")

    monkeypatch.setattr(trees, "_refuse_behind_link", then_replace)
    with pytest.raises((TreeError, OSError), match="Not a directory: 'theirs'"):
        travel(work_tree)
    assert "hunter2" not in "".join(path.read_text() for path in (tmp_path / "arrived").rglob("key"))


@pytest.mark.skipif(os.fsencode("\udcff") != b"\xff", reason="file names have no bytes here that are no text")
def test_a_name_need_not_be_text(work_tree, travel):
    pathlib.Path(work_tree, "\udcff.py").touch()
    assert "\udcff.py" in os.listdir(travel(work_tree)[1])


def test_files_of_git_lfs_without_their_content_are_refused(tmp_path, write):
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha"
    folder = write(tmp_path / "shop", {"app.py": "", "static/logo.png": pointer, "tests/logo.png": pointer})
    (tmp_path / "there").mkdir()
    write(folder, {".gitattributes": "static/*.png filter=lfs diff=lfs -text\n"})
    tree, there = Tree(str(folder), "this host"), r"such as static/logo.png: run `git lfs pull`"
    with pytest.raises(TreeError, match=there):
        tree.export(str(tmp_path / "there"))
    (tmp_path / "sent").mkdir()
    with (tmp_path / "packed").open("wb") as packed:
        tree.pack(packed)
    with pytest.raises(TreeError, match=there):
        Packed(str(tmp_path / "packed"), tree.digest()).export(str(tmp_path / "sent"))


@pytest.mark.parametrize(
    ("attributes", "found"),
    [
        ({".gitattributes": "# of pictures\n*.jpg -text\n*.png filter=lfs diff=lfs -text\n"}, 2),
        ({".gitattributes": "/static/** filter=lfs\n"}, 1),
        ({".gitattributes": "**/static/*.png filter=lfs\n"}, 1),
        ({"static/.gitattributes": "*.png filter=lfs\n"}, 1),
        ({".gitattributes": "*.png filter=lfs\ntests/*.png -filter\n"}, 1),
        ({".gitattributes": "*.png filter=lfs\n", "tests/.gitattributes": "*.png !filter\n"}, 1),
        ({"media/.gitattributes": "*.png filter=lfs\n"}, 0),
        # What nothing gives to it is what a test reads.
        ({}, 0),
    ],
)
def test_files_of_git_lfs_are_those_that_are_given_to_it(tmp_path, write, attributes, found):
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha"
    folder = write(tmp_path, {"static/logo.png": pointer, "tests/logo.png": pointer, **attributes})
    assert large_files.tracked(str(folder)) == ["static/logo.png", "tests/logo.png"][:found]
