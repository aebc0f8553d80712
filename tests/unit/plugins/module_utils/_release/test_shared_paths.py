# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared places are in the state folder: what the source has there comes along once, and never over what is there."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._release.shared_paths import SharedPaths
from ansible_collections.pyweb.stack.plugins.module_utils._source.additions import Additions

PATHS = ("data", "instance", "db.sqlite3", "logs/app.log")


@pytest.fixture
def shared(tmp_path, write):
    source = write(tmp_path / "source", {"data/seed.txt": "seed\n", "db.sqlite3": "old\n", "app.py": ""})
    (tmp_path / "state").mkdir()
    Additions({}, list(PATHS), str(tmp_path / "state")).add(str(source))
    return SharedPaths(str(tmp_path / "state"), str(source), PATHS, str(source))


def _seed(shared: SharedPaths) -> None:
    subprocess.run(shared.seed(), check=True)


def test_folders_are_mounted_and_files_are_not(shared, tmp_path):
    assert shared.folders() == tuple((f"{tmp_path}/state/{name}", f"{tmp_path}/source/{name}") for name in PATHS[:2])
    assert shared.written() == [f"{tmp_path}/source/{name}" for name in PATHS[:2]]


def test_before_the_source_is_there_a_name_says_what_is_a_folder():
    assert [place for _state, place in SharedPaths("/state", "/nosuch", PATHS, "/nosuch").folders()] == [
        "/nosuch/data",
        "/nosuch/instance",
    ]


def test_what_the_source_has_comes_along(shared, tmp_path):
    state = tmp_path / "state"
    assert shared.missing() == [f"{state}/{name}" for name in ("data", "instance", "db.sqlite3", "logs")]
    _seed(shared)
    assert shared.missing() == []
    assert (state / "data/seed.txt").read_text() == "seed\n"
    assert (state / "db.sqlite3").read_text() == "old\n"
    assert list((state / "instance").iterdir()) == []
    assert not (state / "logs/app.log").exists()
    (tmp_path / "source/logs/app.log").write_text("written by way of the link\n")
    assert (state / "logs/app.log").exists()


def test_nothing_goes_over_what_is_there(shared, tmp_path):
    state = tmp_path / "state"
    (state / "data").mkdir()
    (state / "db.sqlite3").write_text("new\n")
    assert shared.missing() == [f"{state}/{name}" for name in ("instance", "logs")]
    _seed(shared)
    assert list((state / "data").iterdir()) == []
    assert (state / "db.sqlite3").read_text() == "new\n"


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_database_has_its_journal_beside_the_file_that_the_link_leads_to(shared, tmp_path, mode):
    state, source = tmp_path / "state", tmp_path / "source"
    _seed(shared)
    (state / "db.sqlite3").unlink()
    with contextlib.closing(sqlite3.connect(source / "db.sqlite3", isolation_level=None)) as database:
        database.execute(f"PRAGMA journal_mode = {mode}")
        database.execute("CREATE TABLE entries (text)")
        database.execute("BEGIN IMMEDIATE")
        database.execute("INSERT INTO entries VALUES ('written')")
        assert (state / f"db.sqlite3-{'wal' if mode == 'wal' else 'journal'}").exists()
        database.execute("COMMIT")
        # As an earlier release has it, by a link of its own.
        (tmp_path / "earlier").symlink_to(state / "db.sqlite3")
        with contextlib.closing(sqlite3.connect(tmp_path / "earlier")) as other:
            assert other.execute("SELECT text FROM entries").fetchall() == [("written",)]
    assert {path.name for path in source.glob("db.sqlite3*")} == {"db.sqlite3"}


def test_what_steps_make_of_a_source_shares_what_that_shares(shared, tmp_path):
    made = SharedPaths(shared.state, f"{tmp_path}/made", PATHS, shared.source)
    # Before it is made, and afterwards: the unit has these places, and so has the release's id.
    assert made.folders() == tuple((f"{tmp_path}/state/{name}", f"{tmp_path}/made/{name}") for name in PATHS[:2])
    assert (made.missing(), made.seed()) == (shared.missing(), shared.seed())
