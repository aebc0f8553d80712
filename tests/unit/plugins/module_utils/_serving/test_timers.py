# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which timers and starters stay on a host; systemd's command only notes what it is asked."""

from __future__ import annotations

import json

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import systemd
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store
from ansible_collections.pyweb.stack.plugins.module_utils._serving import timers
from ansible_collections.pyweb.stack.plugins.module_utils._serving.timers import Timers

pytestmark = pytest.mark.usefixtures("as_root")
OLD, NEW = "0b1a2f3e4d5c", "4f6a7d8e9c0b"
TIDY, REPORT = {"command": ["tidy"], "at": "daily"}, {"command": ["report"], "at": "hourly"}
SYSTEMCTL = """#!/bin/sh
case "$1" in
  show) [ -e {root}/on/"$2" ] && printf '%s\\n' ActiveState=active UnitFileState=enabled || printf '%s\\n' ActiveState=inactive UnitFileState= ;;
  enable) shift 3; touch {root}/on/"$1"; echo "enable $1" >> {root}/asked ;;
  disable) shift 3; for unit; do rm -f {root}/on/"$unit"; echo "disable $unit" >> {root}/asked; done ;;
  restart) echo "$@" >> {root}/asked ;;
esac
"""


@pytest.fixture
def host(tmp_path, monkeypatch, write):
    """Return a host with an app of two releases, of which the new one has a job and processes no more."""
    write(
        tmp_path,
        {
            "bin/systemctl": SYSTEMCTL.format(root=tmp_path),
            "on/.keep": "",
            "asked": "",
            "units/gunicorn-shop-tcp.service": "",
        },
    )
    (tmp_path / "bin/systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=":")
    monkeypatch.setattr(systemd, "UNIT_FOLDER", str(tmp_path / "units"))
    monkeypatch.setattr(timers, "_STAMPS", str(tmp_path / "stamps"))
    store = Store(str(tmp_path), "shop")
    _record(store, write, OLD, {"tidy": TIDY, "report": REPORT}, {"worker": {"command": ["rq"]}})
    _record(store, write, NEW, {"tidy": {**TIDY, "at": "weekly"}}, {})
    return tmp_path


def _record(store, write, release, schedule, processes):
    record = {"schedule": schedule, "processes": processes}
    write(store.item("releases", release), {"release.json": json.dumps(record)})


def _units(host) -> set[str]:
    return {path.name.removeprefix("gunicorn-shop-") for path in (host / "units").iterdir()} - {"tcp.service"}


def _asked(host) -> list[str]:
    lines = (host / "asked").read_text().replace("gunicorn-shop-", "").splitlines()
    (host / "asked").write_text("")
    return lines


ALL = {"tidy.timer", "tidy.service", "report.timer", "report.service", "processes.service"}


def test_those_of_a_release_come_and_go_with_it(host, write):
    shop = Timers(Store(str(host), "shop"))
    assert {name.removeprefix("gunicorn-shop-") for name in shop.look(OLD)} == ALL
    shop.install(OLD)
    assert _units(host) == ALL
    assert _asked(host) == ["enable processes.service", "enable report.timer", "enable tidy.timer"]
    assert shop.look(OLD) == ()

    write(host, {"stamps/stamp-gunicorn-shop-report.timer": "", "stamps/stamp-gunicorn-shop-tidy.timer": ""})
    assert "gunicorn-shop-report.timer" in shop.look(NEW)
    shop.install(NEW)
    assert _units(host) == {"tidy.timer", "tidy.service"}
    assert _asked(host) == ["disable processes.service", "disable report.timer", "restart tidy.timer"]
    assert [path.name for path in (host / "stamps").iterdir()] == ["stamp-gunicorn-shop-tidy.timer"]
    assert shop.look(NEW) == ()

    shop.install(OLD)
    assert shop.look(OLD) == ()


def test_one_that_was_stopped_is_started(host):
    shop = Timers(Store(str(host), "shop"))
    shop.install(OLD)
    (host / "on/gunicorn-shop-tidy.timer").unlink()
    assert shop.look(OLD) == ("gunicorn-shop-tidy.timer",)
    shop.install(OLD)
    assert shop.look(OLD) == ()


def test_what_somebody_else_made_is_refused_and_left_alone(host, write):
    write(host / "units", {"gunicorn-shop-tidy.timer": "[Timer]\nOnCalendar=daily\n"})
    shop = Timers(Store(str(host), "shop"))
    assert "gunicorn-shop-tidy.timer was not made by this role" in shop.fault(OLD)
    assert timers.units("shop") == []


def test_another_app_has_its_own(host, write):
    shop = Timers(Store(str(host), "shop"))
    write(host / "units", {"gunicorn-shop_two-tidy.timer": "# Made by pyweb.stack\n"})
    shop.install(OLD)
    timers.remove(timers.units("shop"))
    assert {path.name for path in (host / "units").iterdir()} == {
        "gunicorn-shop-tcp.service",
        "gunicorn-shop_two-tidy.timer",
    }
