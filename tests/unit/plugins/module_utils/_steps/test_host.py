# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts and accounts are refused, and what a host is said to lack."""

from __future__ import annotations

import os
import pwd
import types

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import machine
from ansible_collections.pyweb.stack.plugins.module_utils._steps import host

DEBIAN = machine.System("debian", (), "12", "Debian GNU/Linux 12")
MARK = "App shop by pyweb.stack"
VALKEY = {"missing": ["valkey-tools"], "account": (999, MARK)}


class Refused(Exception):
    """What the module would fail with."""


@pytest.fixture
def look(monkeypatch):
    """Look at such a host; return the result and the warnings."""

    def look(
        system=DEBIAN,
        systemd=True,
        euid=0,
        missing=(),
        account=None,
        anybodys=False,
        sandbox=True,
        lists=True,
        units="",
        unknown=(),
        check_mode=False,
        store=None,
    ):
        warnings = []

        def refuse(msg):
            raise Refused(msg)

        def of(name):
            if account is None:
                raise KeyError(name)
            return types.SimpleNamespace(pw_uid=account[0], pw_gecos=account[1])

        monkeypatch.setattr(os, "geteuid", lambda: euid)
        monkeypatch.setattr(pwd, "getpwnam", of)
        monkeypatch.setattr(machine, "system", lambda: system)
        monkeypatch.setattr(machine, "runs_systemd", lambda: systemd)
        monkeypatch.setattr(machine, "can_sandbox", lambda: sandbox)
        monkeypatch.setattr(machine, "knows_packages", lambda: lists)
        monkeypatch.setattr(
            machine, "unknown_packages", lambda packages: [each for each in packages if each in unknown]
        )
        monkeypatch.setattr(machine, "has_ipv6", lambda: True)
        monkeypatch.setattr(host, "_UNITS", units)
        monkeypatch.setattr(machine, "not_installed", lambda packages: list(missing))
        given = {"name": "shop", "mark": MARK, "anybodys": anybodys}
        module = types.SimpleNamespace(fail_json=refuse, warn=warnings.append, check_mode=check_mode)
        params = {"role": "gunicorn", "packages": ["git"], "account": given, "store": store}
        return host.run(module, params), warnings

    return look


def test_a_host_that_has_all_lacks_nothing(look):
    assert look(account=(999, MARK)) == ({"changed": False, "lacks": {}}, [])


def test_what_is_not_there_is_named(look):
    assert look(missing=["git"])[0]["lacks"] == {"account": "shop", "packages": ["git"], "lists": False, "ipv6": False}
    assert look(missing=["git"], lists=False)[0]["lacks"]["lists"] is True


def test_a_package_that_there_is_none_of_is_foretold(look):
    given = {"missing": ["git", "libpq55"], "unknown": ["libpq55"], "account": (999, MARK)}
    (warning,) = look(check_mode=True, **given)[1]
    assert warning.startswith("no list of packages on the host has 'libpq55', so a run would fail: ")
    assert look(**given)[1] == []


def test_what_one_app_runs_with_the_next_one_can(look):
    assert look(sandbox=False, units=__file__, account=(999, MARK))[0]["lacks"] == {}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"euid": 1000}, "needs root"),
        ({"systemd": False}, "without systemd, but must be Debian 12 or newer"),
        ({"system": machine.System("fedora", (), "40", "Fedora 40")}, "is Fedora 40, but must be Debian 12 or newer"),
        ({"system": machine.System("debian", (), "11", "Debian 11")}, "is Debian 11, but must be"),
        ({"system": machine.System("ubuntu", ("debian",), "20.04", "Ubuntu 20.04")}, "is Ubuntu 20.04, but must be"),
        ({"sandbox": False}, "a container in which systemd can't give a service a sandbox.*features nesting=1"),
        ({"account": (0, MARK)}, "which is root"),
        ({"account": (1000, "Anne")}, "that this role did not make"),
        (
            {**VALKEY, "unknown": ["valkey-tools"]},
            "database_cache is 'valkey', but Debian 12 has none: set it to redis",
        ),
        ({**VALKEY, "lists": False}, "database_cache is 'valkey', but Debian 12 has none"),
    ],
)
def test_a_host_or_account_that_cannot_be_used_is_refused(look, given, says):
    with pytest.raises(Refused, match=says):
        look(**given)


def test_a_folder_that_others_made_is_refused_before_anything_is_installed(look, tmp_path):
    where = {"root": str(tmp_path), "name": "shop"}
    assert look(account=(999, MARK), store=where)[0]["lacks"] == {}
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "app.py").touch()
    with pytest.raises(Refused, match=f"{tmp_path}/shop exists and was not made by this role: move it away"):
        look(missing=["git"], store=where)


@pytest.mark.parametrize("more", [{}, {"system": machine.System("debian", (), "13", "Debian 13"), "lists": False}])
def test_a_valkey_that_there_may_be_is_installed(look, more):
    assert look(**VALKEY, **more)[0]["lacks"]["packages"] == ["valkey-tools"]


def test_an_account_of_others_is_used_where_it_is_named(look):
    assert look(account=(1000, "Anne"), anybodys=True)[0]["lacks"] == {}


@pytest.mark.parametrize(
    "system",
    [
        machine.System("ubuntu", ("debian",), "24.04", "Ubuntu 24.04"),
        machine.System("debian", (), "", "Debian GNU/Linux forky/sid"),
        machine.System("raspbian", ("debian",), "12", "Raspbian 12"),
    ],
)
def test_a_relative_of_those_that_are_tested_is_warned_of(look, system):
    assert look(system, account=(999, MARK))[1] == [f"this role is tested on Debian 12 and 13, not on {system.name}"]
