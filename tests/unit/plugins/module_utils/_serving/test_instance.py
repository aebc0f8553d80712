# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of an instance that need no systemd: who lives, who waits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._serving import instance
from ansible_collections.pyweb.stack.plugins.module_utils._serving.health import Health


def test_the_children_of_a_process_are_its_workers():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert str(child.pid) in instance.children(str(os.getpid()))
        assert instance.children(str(child.pid)) == set()
    assert str(child.pid) not in instance.children(str(os.getpid()))
    assert instance.children(str(child.pid)) == instance.children("0") == set()


def test_a_program_that_it_has_started_is_no_worker():
    worker = os.fork()
    if not worker:
        time.sleep(600)
    with subprocess.Popen(["sleep", "600"]) as program:
        mine = str(os.getpid())
        assert {str(worker), str(program.pid)} <= instance.children(mine)
        assert str(worker) in instance.forked(mine)
        assert str(program.pid) not in instance.forked(mine)
        program.kill()
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)


class Master:
    """Stands for systemd and gunicorn: what its children are, tick by tick."""

    def __init__(self, monkeypatch, *ticks: set[str]):
        self._ticks = list(ticks)
        monkeypatch.setattr(instance.Instance, "_alive", lambda _self: {"ActiveState": "active", "MainPID": "1"})
        monkeypatch.setattr(instance, "forked", lambda _pid: self._next())
        monkeypatch.setattr(instance, "_is_copy", lambda pid: False)
        monkeypatch.setattr(instance.os.path, "exists", lambda path: False)

    def _next(self) -> set[str]:
        return self._ticks.pop(0) if len(self._ticks) > 1 else self._ticks[0]


def _proved(monkeypatch, tmp_path, app, in_force, *ticks) -> str:
    app(tmp_path / "app.sock", 200)
    Master(monkeypatch, *ticks)
    candidate = instance.Instance("shop", "4f6a7d8e9c0b")
    candidate.path = str(tmp_path / "app.sock")
    try:
        return candidate.prove(Health(["/"], "localhost", range(200, 400), 1), in_force)
    except instance.Refused as refusal:
        return str(refusal)


@pytest.mark.parametrize(
    ("in_force", "ticks", "said"),
    [
        pytest.param({"workers": 2}, [{"7"}, {"7", "8"}], "200 OK", id="all live"),
        pytest.param({"workers": 2}, [{"7"}], "1 of 2 workers live after 1 s", id="one never came"),
        pytest.param({"workers": 1}, [{"7"}, {"8"}], "a worker ended right after its start", id="one ended"),
        pytest.param({"workers": 1, "max_requests": 1}, [{"7"}, {"8"}], "200 OK", id="one ended as it should"),
        pytest.param(
            {"workers": 2, "max_requests": 9},
            [{str(pid)} for pid in range(2, 40)],
            "a worker ended",
            id="too many ended",
        ),
        pytest.param(
            {"workers": 1, "dirty_arbiter": 1}, [{"7"}], "1 of 2 workers", id="one of another kind is missing"
        ),
        pytest.param({"workers": 1, "dirty_arbiter": 1}, [{"7"}, {"7", "8"}], "200 OK", id="one of another kind"),
    ],
)
def test_who_has_to_live(monkeypatch, tmp_path, app, in_force, ticks, said):
    assert said in _proved(monkeypatch, tmp_path, app, in_force, *ticks)


def test_one_that_the_list_of_children_lacks_for_a_moment_is_watched_on(monkeypatch, tmp_path, app):
    """The list may lack one while another is being forked, and that one may end before it is listed again."""
    alive, ticks = {"7", "8"}, [{"7", "8"}, {"8"}, {"8"}]

    def forked(_pid):
        if len(ticks) == 1:
            alive.discard("7")
        return ticks.pop(0) if len(ticks) > 1 else ticks[0]

    app(tmp_path / "app.sock", 503)
    monkeypatch.setattr(instance.Instance, "_alive", lambda _self: {"ActiveState": "active", "MainPID": "1"})
    monkeypatch.setattr(instance, "forked", forked)
    monkeypatch.setattr(instance, "_is_copy", lambda pid: pid in alive)
    monkeypatch.setattr(instance.os.path, "exists", lambda path: path.rpartition("/")[2] in alive)
    candidate = instance.Instance("shop", "4f6a7d8e9c0b")
    candidate.path = str(tmp_path / "app.sock")
    with pytest.raises(instance.Refused, match="a worker ended right after its start"):
        candidate.prove(Health(["/"], "localhost", range(503, 504), 2), {"workers": 2})
