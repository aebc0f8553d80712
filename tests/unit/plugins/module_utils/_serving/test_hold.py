# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An app that stands still for a while, by a real lock; systemd only notes what it is asked."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import systemd
from ansible_collections.pyweb.stack.plugins.module_utils._serving import hold
from ansible_collections.pyweb.stack.plugins.module_utils._serving.instance import Instance, Refused

UNITS = (
    *("gunicorn-shop-beat@0b1a2f3e4d5c.service", "gunicorn-shop-clear.timer", "gunicorn-shop-tcp.service"),
    *("gunicorn-shop-relay@0b1a2f3e4d5c.service", "gunicorn-shop-run-0a1b2c3d.service", "gunicorn-shop-tcp.socket"),
)

ENDING = ("gunicorn-shop-worker@4f6a7d8e9c0b.service",)


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Return what was asked of systemd; the app's service runs, with a lock on the state as its unit takes it."""
    asked = []
    state = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(state, fcntl.LOCK_SH)

    def ctl(*arguments):
        asked.append(arguments)
        there = ENDING if "--state=deactivating" in arguments else UNITS
        listed = json.dumps([{"unit": name} for name in there]) if arguments[0] == "list-units" else ""
        return subprocess.CompletedProcess(arguments, 0, listed, "")

    def end(_instance, _timeout):
        asked.append(("end",))
        fcntl.flock(state, fcntl.LOCK_UN)
        return 2

    monkeypatch.setattr(hold, "STATE", str(tmp_path).replace("shop", "{}"))
    monkeypatch.setattr(hold, "_MARGIN", 0.2)
    monkeypatch.setattr(systemd, "ctl", ctl)
    monkeypatch.setattr(systemd, "active", lambda _unit: True)
    monkeypatch.setattr(Instance, "end", end)
    monkeypatch.setattr(Instance, "start", lambda _instance: asked.append(("start",)))
    yield asked
    os.close(state)


def _free(tmp_path) -> bool:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def test_nothing_of_it_runs_meanwhile_and_all_of_it_afterwards(asked, tmp_path):
    beside = ("gunicorn-shop-clear.timer", "gunicorn-shop-beat@0b1a2f3e4d5c.service")
    with hold.still("shop", "0b1a2f3e4d5c", 1) as stillness:
        assert stillness == hold.Stillness(2, beside)
        assert not _free(tmp_path)
        # What ends already is waited for, and does not come back.
        assert asked[2:] == [("stop", *beside, *ENDING), ("end",)]
    assert _free(tmp_path)
    assert asked[4:] == [
        ("start",),
        ("start", "--no-block", *beside),
        ("start", "gunicorn-shop@0b1a2f3e4d5c.service"),
    ]


def test_it_goes_on_where_something_does_not_end(asked, tmp_path, monkeypatch):
    monkeypatch.setattr(Instance, "end", lambda _instance, _timeout: 0)
    with pytest.raises(Refused, match="something of the app shop does not end"), hold.still("shop", "0b1a2f3e4d5c", 0):
        pass
    assert ("start",) in asked


def test_an_app_that_does_not_start_again_is_told(asked, monkeypatch):
    ctl = systemd.ctl
    service = "gunicorn-shop@0b1a2f3e4d5c.service"

    def broken(*arguments):
        done = ctl(*arguments)
        done.returncode = int(arguments == ("start", service))
        return done

    monkeypatch.setattr(systemd, "ctl", broken)
    with (
        pytest.raises(Refused, match=f"the app shop does not start again: journalctl --unit={service} says why"),
        hold.still("shop", "0b1a2f3e4d5c", 1),
    ):
        pass


def test_an_app_that_did_not_run_is_not_started(asked, monkeypatch, tmp_path):
    monkeypatch.setattr(systemd, "active", lambda _unit: False)
    monkeypatch.setattr(hold, "_MARGIN", 30)
    monkeypatch.setattr(hold, "STATE", str(tmp_path / "{}"))
    (tmp_path / "shop").mkdir()
    with hold.still("shop", "0b1a2f3e4d5c", 0) as stillness:
        assert stillness.cut == 0
    assert not {("start",), ("end",)} & set(asked)
