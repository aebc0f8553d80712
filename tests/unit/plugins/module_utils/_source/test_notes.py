# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a source its user is told."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._source.notes import notes


@pytest.mark.parametrize("path", ["db.sqlite3", "data/app.db"])
def test_a_database_that_came_along(tmp_path, path):
    (tmp_path / "data").mkdir()
    with contextlib.closing(sqlite3.connect(tmp_path / path)) as database:
        database.execute("CREATE TABLE a (b)")
    (note,) = notes(str(tmp_path), ())
    assert f"the database {path}, which the app can't write there" in note
    assert "gunicorn_shared_paths" in note


def test_what_only_has_the_name_of_one(tmp_path, write):
    write(tmp_path, {"words.db": "aardvark\n", ".shared/db.sqlite3": "SQLite format 3\0"})
    (tmp_path / "db.sqlite3").symlink_to("/var/lib/gunicorn-shop/db.sqlite3")
    assert list(notes(str(tmp_path), ())) == []


def test_a_file_of_variables(tmp_path, write):
    write(tmp_path, {".env": "A=1\n"})
    assert "gunicorn_env" in "".join(notes(str(tmp_path), ()))
    assert list(notes(str(tmp_path), [".env"])) == []
    write(tmp_path, {"backend/.env": "A=1\n", "a/b/.env": ""})
    assert [note.split(",")[0] for note in notes(str(tmp_path), [".env"])] == ["The source brings a file backend/.env"]
