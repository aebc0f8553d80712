# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and shared places are added to a source, in it and nowhere else."""

from __future__ import annotations

import os

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._source.additions import AdditionError, Additions, Completed
from ansible_collections.pyweb.stack.plugins.module_utils._source.folder import Tree

STATE = "/var/lib/gunicorn-shop"
KEY = b"the host's own"


@pytest.fixture
def source(tmp_path, write):
    return write(tmp_path / "source", {"app.py": "import this\n", "data/seed.txt": "seed\n", "db.sqlite3": "old\n"})


def _add(folder, files=None, shared=()) -> None:
    Additions(files or {}, list(shared), STATE).add(str(folder))


def test_a_file_is_there_as_it_was_written(source):
    _add(source, {"conf/local.py": "A = 1\n", ".env": {"content": "B=2", "secret": True}})
    assert (source / "conf/local.py").read_text() == "A = 1\n"
    assert (source / ".env").read_text() == "B=2"


def test_a_file_of_the_source_is_replaced_where_that_was_asked_for(source):
    with pytest.raises(AdditionError, match=r"'app.py', which the source has itself.*replace: true"):
        _add(source, {"app.py": "A = 1\n"})
    assert (source / "app.py").read_text() == "import this\n"
    _add(source, {"app.py": {"content": "A = 1\n", "replace": True}})
    assert (source / "app.py").read_text() == "A = 1\n"


@pytest.mark.parametrize("where", ["link", "link/inner"])
def test_nothing_is_written_over_a_link(source, tmp_path, where):
    outside = tmp_path / "outside"
    outside.mkdir()
    (source / "link").symlink_to(outside)
    with pytest.raises(AdditionError):
        _add(source, {where: {"content": "x", "replace": where == "link/inner"}})
    with pytest.raises(AdditionError):
        _add(source, shared=[where])
    assert list(outside.iterdir()) == []


def test_a_link_gives_way_to_a_file_that_replaces_it(source, tmp_path):
    (source / "link").symlink_to(tmp_path / "outside")
    _add(source, {"link": {"content": "x", "replace": True}})
    assert (source / "link").read_text() == "x"
    assert not (tmp_path / "outside").exists()


def test_a_file_takes_the_place_of_no_folder(source):
    with pytest.raises(AdditionError, match="'data', but that is a folder of the source"):
        _add(source, {"data": {"content": "x", "replace": True}})


def test_a_link_of_the_source_is_not_shared(source):
    (source / "uploads").symlink_to("data")
    with pytest.raises(AdditionError, match="'uploads', which is a link in the source: name its target"):
        _add(source, shared=["uploads"])


def test_a_file_can_not_be_in_a_shared_folder():
    with pytest.raises(AdditionError, match=r"'data/a.ini', which gunicorn_shared_paths has the app write"):
        Additions({"data/a.ini": "x"}, ["data/"], STATE)
    Additions({"database.ini": "x"}, ["data/"], STATE)


@pytest.mark.parametrize("path", ["data", "data/", "instance", ".data", "var/log", "upload.d/"])
def test_a_shared_folder_is_a_folder_with_what_it_had(source, path):
    _add(source, shared=[path])
    assert (source / path).is_dir()
    assert not (source / path).is_symlink()
    assert (source / "data/seed.txt").exists()


@pytest.mark.parametrize("path", ["db.sqlite3", "logs/app.log"])
def test_a_shared_file_is_a_link_to_the_state(source, path):
    _add(source, shared=[path])
    assert os.readlink(source / path) == f"{STATE}/{path}"


def test_what_a_shared_file_had_is_kept(source):
    _add(source, shared=["db.sqlite3"])
    assert (source / ".shared/db.sqlite3").read_text() == "old\n"


def _name(source, files=None, shared=(), key=KEY) -> str:
    return Completed(Tree(str(source), "here"), Additions(files or {}, list(shared), STATE), key).digest()


def test_its_name_is_that_of_all_of_it(source):
    names = [
        _name(source),
        _name(source, {"a": "1"}),
        _name(source, {"a": "2"}),
        _name(source, {"b": "1"}),
        _name(source, {"a": "1"}, key=b"another host's"),
        _name(source, shared=["data"]),
        _name(source, shared=["db.sqlite3"]),
    ]
    assert len(set(names)) == len(names)
    assert {len(name) for name in names} == {40}
    assert _name(source, {"./a": "1"}) == _name(source, {"a": {"content": "1"}})


def test_a_diff_shows_what_is_no_secret(tmp_path, write):
    before = str(write(tmp_path / "before", {"same": "1\n", "other": "1\n", "token": "hunter2"}))
    files = {"same": "1\n", "other": "2\n", "new": "3\n"}
    secrets = {"token": {"content": "hunter3", "secret": True}, "key": {"content": "hunter4", "secret": True}}
    shown = {
        each["after_header"]: (each["before"], each["after"])
        for each in Additions(files | secrets, [], STATE).diff(before)
    }
    assert shown == {
        "other": ("1\n", "2\n"),
        "new": ("", "3\n"),
        "token": ("(hidden)\n", "(hidden, changed)\n"),
        "key": ("", "(hidden)\n"),
    }


def test_a_diff_shows_nothing_of_what_a_link_leads_to(tmp_path, write):
    write(tmp_path, {"secret": "hunter2", "before/app.py": ""})
    (tmp_path / "before/settings.py").symlink_to(tmp_path / "secret")
    replaced = {"settings.py": {"content": "A = 1\n", "replace": True}}
    (diff,) = Additions(replaced, [], STATE).diff(str(tmp_path / "before"))
    assert (diff["before"], diff["after"]) == ("", "A = 1\n")
