# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an app says leads to what helps."""

from __future__ import annotations

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host.remedies import advised, remedy

SOURCE = f"/srv/shop/sources/{'8f9b' * 10}"
EROFS = "OSError: [Errno 30] Read-only file system:"


@pytest.mark.parametrize(
    ("said", "place"),
    [
        (f"{EROFS} '{SOURCE}/instance'", "instance"),
        (f"{EROFS} '{SOURCE}/db.json'", "db.json"),
        (f"{EROFS} '{SOURCE}/logs/shop.log'", "logs"),
        (f"{EROFS} '{SOURCE}/data/favicons'", "data"),
        (f"{EROFS} '{SOURCE}/shop/debug.log'", "shop/debug.log"),
        (f"{EROFS} '{SOURCE}/shop/uploads'", "shop/uploads"),
        (f"OperationalError: unable to open database file ({SOURCE}/db.sqlite3)", "db.sqlite3"),
        (f"OperationalError: attempt to write a readonly database ({SOURCE}/data/db.sqlite3)", "data"),
        ("django.db.utils.OperationalError: attempt to write a readonly database", "db.sqlite3"),
    ],
)
def test_what_is_written_in_the_source_can_be_shared(said, place):
    advice = remedy(f"Traceback (most recent call last):\n{said}\n", lambda folder: folder == f"{SOURCE}/shop")
    assert f"gunicorn_shared_paths: [{place}]" in advice
    assert "$STATE_DIRECTORY" in advice


def test_a_folder_with_code_is_not_the_apps_to_write(tmp_path, write):
    source = write(tmp_path / "sources" / ("8f9b" * 10), {"shop/__init__.py": "", "data/seed": ""})
    assert "[shop/a.log]" in remedy(f"{EROFS} '{source}/shop/a.log'")
    assert "[data]" in remedy(f"{EROFS} '{source}/data/a.log'")


def test_a_library_that_may_not_be_executed():
    said = "OSError: /data/oracle/libclntsh.so: failed to map segment from shared object"
    assert "gunicorn_unit: {ExecPaths: /data/oracle}" in remedy(said)


@pytest.mark.parametrize("said", [f"{EROFS} '/etc/hosts'", "KeyError: 'SECRET_KEY'", ""])
def test_other_failures_speak_for_themselves(said):
    assert remedy(said) is None
    assert advised(said) == said
