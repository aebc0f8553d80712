# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module database from its options to its result, on a host of one PostgreSQL and one systemd that are played.

What the real ones make of the statements and of the unit, the scenario `database` shows.
"""

from __future__ import annotations

import json
import os
import pathlib
import re

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._database import cache, postgresql
from ansible_collections.pyweb.stack.plugins.module_utils._host import accounts, shell, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._host.shell import Done

# An account that each host has.
ME = "daemon"
UNIT = "cache-shop.service"
MADE = [f"role {ME}", f"database shop of {ME}"]


class Host:
    """What a host says to the programs that are run on it, and what becomes of it by them."""

    def __init__(self, root: pathlib.Path):
        self._root = root
        self.role, self.database, self.sessions = None, None, 0
        # Whether PostgreSQL answers, asks the kernel who somebody is, and lets the app's account in.
        self.answers, self.peer, self.lets_in = True, True, True
        self.running, self.starts, self.pong = set(), True, True

    def run(self, argv, *, identity, stdin="", **_options) -> Done:
        """Do what a program does."""
        does = {"psql": self._psql, "systemctl": self._systemctl, "redis-cli": self._ping, "valkey-cli": self._ping}
        status, said = does[argv[0]](argv, identity, stdin)
        return Done(argv, status, "" if status else said, said if status else "")

    def _psql(self, argv, identity, statements):
        if "--dbname=shop" in argv:
            enters = not self.peer if identity == accounts.NOBODY else self.lets_in
            return (0, "1") if enters else (2, "FATAL: Peer authentication failed")
        if not self.answers:
            return 2, "could not connect to server"
        if statements.startswith("SELECT json_build_object"):
            return 0, json.dumps({"role": self.role, "database": self.database, "sessions": self.sessions})
        mark = re.search("IS '(.*)'", statements)
        if "CREATE ROLE" in statements:
            self.role = {"login": True, "mighty": False, "mark": mark[1]}
        if "CREATE DATABASE" in statements:
            self.database = {"owner": ME, "open": False, "mark": mark[1]}
        if "DROP DATABASE" in statements:
            self.database = None
        if "DROP ROLE" in statements:
            self.role = None
        return 0, ""

    def _systemctl(self, argv, _identity, _stdin):
        verb, *words = argv[1:]
        wanted = self._root / "units/multi-user.target.wants" / UNIT
        if verb == "enable":
            wanted.parent.mkdir(exist_ok=True)
            wanted.unlink(missing_ok=True)
            wanted.symlink_to(f"../{UNIT}")
        elif verb == "disable":
            wanted.unlink(missing_ok=True)
            self.running.discard(UNIT)
        elif verb in ("start", "restart"):
            if not self.starts:
                return 1, "it failed"
            self.running.add(UNIT)
        elif verb == "show":
            return 0, f"ActiveState={'active' if words[0] in self.running else 'inactive'}\n"
        return 0, ""

    def _ping(self, _argv, _identity, _stdin):
        return (0, "PONG\n") if self.pong and UNIT in self.running else (1, "Connection refused")


@pytest.fixture
def host(tmp_path, monkeypatch):
    """Return a host that has PostgreSQL, and nothing of the app."""
    host = Host(tmp_path)
    (tmp_path / "units").mkdir()
    monkeypatch.setattr(systemd, "UNIT_FOLDER", str(tmp_path / "units"))
    monkeypatch.setattr(cache, "_STATES", str(tmp_path))
    monkeypatch.setattr(postgresql, "_ADMIN", ME)
    monkeypatch.setattr(postgresql.shutil, "which", lambda _name: "/usr/bin/psql")
    monkeypatch.setattr(shell, "run", host.run)
    return host


@pytest.fixture
def database(host, play):
    """Play the module for the app shop, whose account is this one."""
    return lambda check=False, **given: play("database", check, app="shop", user=ME, **given)


def test_an_app_gets_both_once_and_check_mode_says_so_before(database, host):
    foretold = database(check=True, cache="redis")
    assert (foretold["changed"], host.role, host.running) == (True, None, set())
    done = database(cache="redis")
    assert (done["changed"], done["diff"]) == (True, foretold["diff"])
    assert done["diff"][0]["after"].splitlines() == [*MADE, f"{UNIT} running"]
    assert done["urls"] == {
        "database": "postgresql:///shop?host=/run/postgresql",
        "cache": "unix:///run/cache-shop/cache.sock",
    }
    assert (host.running, database(cache="redis")["changed"]) == ({UNIT}, False)


def test_a_cache_that_somebody_stopped_or_that_is_to_have_more_memory_is_started(database, host):
    database(cache="redis")
    host.running.clear()
    assert database(cache="redis")["diff"][0]["after"] == f"{UNIT} running\n"
    more = database(cache="redis", cache_memory="1G")
    assert (more["changed"], "--maxmemory 1024mb" in more["diff"][1]["after"]) == (True, True)


def test_a_cache_that_is_asked_for_no_more_goes_and_its_data_stays(database, host, tmp_path):
    database(cache="valkey")
    (tmp_path / "cache-shop").symlink_to("private/cache-shop")
    gone = database()
    assert (gone["changed"], gone["diff"][1]["after"]) == (True, "")
    assert (host.running, os.path.lexists(tmp_path / "cache-shop")) == (set(), True)
    assert not database()["changed"]


def test_an_app_may_have_a_cache_alone(database, host):
    host.answers = False
    assert list(database(engine="none", cache="redis")["urls"]) == ["cache"]
    assert host.role is None


def test_in_check_mode_postgresql_may_not_be_there_yet(database, host, monkeypatch):
    monkeypatch.setattr(postgresql.shutil, "which", lambda _name: None)
    host.answers = False
    assert database(check=True)["diff"][0]["after"].splitlines() == MADE
    assert "the database of the app shop: PostgreSQL says: could not connect to server" in database()["msg"]
    monkeypatch.setattr(postgresql, "_ADMIN", "nobody_here")
    assert "PostgreSQL has no account nobody_here on this host" in database()["msg"]


@pytest.mark.parametrize(
    ("fault", "given", "said"),
    [
        ({"role": {"login": True, "mighty": True, "mark": ""}}, {}, "may do more than its app needs"),
        ({"lets_in": False}, {}, f"the account {ME} can't use the database shop: FATAL: Peer authentication failed: "),
        ({"peer": False}, {}, f"any account of this host can be the role {ME}: "),
        ({"starts": False}, {"cache": "redis"}, f"the cache does not start: journalctl --unit={UNIT} says why"),
        ({"pong": False}, {"cache": "valkey"}, "can't use the cache at /run/cache-shop/cache.sock: Connection refused"),
    ],
)
def test_what_can_t_be_had_is_refused_with_the_reason(database, host, fault, given, said):
    vars(host).update(fault)
    assert said in database(**given)["msg"]


def test_a_unit_of_somebody_else_s_stays(database, write, tmp_path):
    write(tmp_path / "units", {UNIT: "[Service]\n"})
    assert "was not made by this role" in database(cache="redis")["msg"]


def test_at_the_end_data_stays_unless_it_is_purged(database, host, tmp_path):
    database(cache="redis")
    (tmp_path / "private/cache-shop").mkdir(parents=True)
    (tmp_path / "cache-shop").symlink_to("private/cache-shop")
    data = [str(tmp_path / "cache-shop")]
    gone = database(state="absent")
    assert (gone["removed"], gone["kept"]) == ([UNIT], ["database shop", f"role {ME}", *data])
    assert not database(state="absent")["changed"]
    foretold = database(check=True, state="absent", purge=True)
    assert (foretold["removed"], bool(host.database)) == (["database shop", f"role {ME}", *data], True)
    purged = database(state="absent", purge=True)
    assert (purged["removed"], purged["kept"], host.database, host.role) == (foretold["removed"], [], None, None)
    assert not os.path.lexists(tmp_path / "private/cache-shop")
    assert not database(state="absent", purge=True)["changed"]


def test_a_database_in_use_is_not_dropped(database, host):
    database()
    host.sessions = 3
    assert "3 connections to it are open: remove the app first" in database(state="absent", purge=True)["msg"]
    assert "3 connections to it are open" in database(check=True, state="absent", purge=True)["warned"]
    assert host.database


def test_nothing_is_asked_of_a_postgresql_that_is_not_there(database, host, monkeypatch):
    monkeypatch.setattr(postgresql.shutil, "which", lambda _name: None)
    host.answers = False
    assert database(state="absent", purge=True)["changed"] is False
