# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an app's database lacks, and whose it is, by what PostgreSQL says of it; the scenario `database` has a real one."""

from __future__ import annotations

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._database.postgresql import Postgresql

MARK = "App shop by pyweb.stack"
ROLE = {"login": True, "mighty": False, "mark": MARK}
DATABASE = {"owner": "shop", "open": False, "mark": MARK}
database = Postgresql("shop", "shop", MARK)


def _state(role=None, base=None):
    return {
        "role": None if role is False else {**ROLE, **(role or {})},
        "database": None if base is False else {**DATABASE, **(base or {})},
        "sessions": 0,
    }


def test_of_what_is_there_nothing_lacks():
    assert (database.fault(_state()), database.lacking(_state())) == (None, {})


def test_what_is_not_there_is_made_for_the_role_alone():
    found = database.lacking(_state(False, False))
    assert list(found) == ["role shop", "database shop of shop"]
    assert found["role shop"].startswith('CREATE ROLE "shop" LOGIN;')
    made = found["database shop of shop"]
    assert made.startswith('CREATE DATABASE "shop" OWNER "shop" TEMPLATE template0')
    assert 'REVOKE CONNECT, TEMPORARY ON DATABASE "shop" FROM PUBLIC;' in made


def test_what_others_opened_is_closed():
    assert list(database.lacking(_state(base={"open": True}))) == ["database shop closed to others"]
    assert list(database.lacking(_state({"login": False}))) == ["role shop may log in"]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (_state({"mighty": True}), "the role shop of PostgreSQL may do more than its app needs"),
        (_state(base={"owner": "till"}), "the database shop is there already and belongs to till"),
    ],
)
def test_what_is_another_s_is_refused(state, said):
    assert database.fault(state).startswith(said)


@pytest.mark.parametrize(
    ("state", "goes"),
    [
        (_state(), ["database shop", "role shop"]),
        (_state(False, False), []),
        (_state(base={"mark": ""}), []),
        (_state({"mark": ""}), ["database shop"]),
        (_state(base=False), ["role shop"]),
    ],
)
def test_what_goes_is_what_was_made_here(state, goes):
    assert list(database.made_here(state)) == goes
