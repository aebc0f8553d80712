# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order processes go over from one release to the next; what systemd makes of it is tested on servers."""

from __future__ import annotations

import json
import time

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import systemd
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store
from ansible_collections.pyweb.stack.plugins.module_utils._serving import processes
from ansible_collections.pyweb.stack.plugins.module_utils._serving.processes import (
    Processes,
    ProcessRefused,
    Succession,
)

pytestmark = pytest.mark.usefixtures("as_root")
OLD, NEW = "0b1a2f3e4d5c", "4f6a7d8e9c0b"
WORKER, BEAT = {"command": ["rq"], "settle": 0}, {"command": ["beat"], "settle": 0, "overlap": False}


class Host:
    """What systemd has in memory, and what it is asked for."""

    def __init__(self):
        self.states: dict[str, str] = {}
        self.asked: list[str] = []
        # What becomes of a unit that is started.
        self.starts: dict[str, dict[str, str]] = {}
        self.restarted: set[str] = set()

    def ctl(self, verb: str, *arguments: str):
        units = [each for each in arguments if not each.startswith("--")]
        self.asked += [
            f"{verb} {'later ' * ('--no-block' in arguments)}{_short(unit)}" for unit in units if verb != "reset-failed"
        ]
        for unit in units:
            if verb == "start":
                self.states[unit] = "active"
            elif verb == "stop":
                self.states[unit] = "deactivating" if "--no-block" in arguments else "inactive"
            elif self.states.get(unit) == "failed":
                self.states[unit] = "inactive"

    def show_all(self, units, *_names):
        well = {"SubState": "running", "Result": "success", "NRestarts": "0", "MainPID": "0", "ExecMainStatus": "0"}
        return {
            unit: {**well, "ActiveState": self.states.get(unit, "inactive"), **self.starts.get(_short(unit), {})}
            for unit in units
        }


def _short(unit: str) -> str:
    return unit.removeprefix("gunicorn-shop-").removesuffix(".service").replace(OLD, "OLD").replace(NEW, "NEW")


@pytest.fixture
def host(monkeypatch):
    """Return what stands for systemd."""
    host = Host()
    monkeypatch.setattr(systemd, "ctl", host.ctl)
    monkeypatch.setattr(systemd, "require", host.ctl)
    monkeypatch.setattr(systemd, "show_all", host.show_all)
    monkeypatch.setattr(systemd, "loaded", lambda *_patterns: dict(host.states))
    monkeypatch.setattr(systemd, "journal", lambda unit, *_more: f"It broke: {_short(unit)}")
    monkeypatch.setattr(processes, "_TICK", 0.01)
    return host


@pytest.fixture
def store(tmp_path, write):
    """Return a function that makes a store in which the old release and the new one have these processes."""

    def store(old: dict, new: dict, schedule: dict | None = None) -> Store:
        store = Store(str(tmp_path), "shop")
        for release, given in ((OLD, old), (NEW, new)):
            record = {"processes": given, "schedule": schedule or {}, "built": ""}
            write(store.item("releases", release), {"release.json": json.dumps(record)})
            write(store.path, {f"locks/{name}": "" for name in given})
        store.switch(OLD)
        return store

    return store


def _run(host, *names: str) -> None:
    host.states.update({f"gunicorn-shop-{name}.service": "active" for name in names})


@pytest.mark.parametrize(
    ("old", "new", "asked"),
    [
        pytest.param(WORKER, WORKER, ["start later worker@NEW"], id="both may run at once"),
        pytest.param(BEAT, BEAT, ["start later worker@NEW", "stop worker@OLD"], id="neither may"),
        pytest.param(BEAT, WORKER, ["start later worker@NEW", "stop worker@OLD"], id="the old one may not"),
        pytest.param(WORKER, BEAT, ["start later worker@NEW", "stop worker@OLD"], id="the new one may not"),
    ],
)
def test_the_old_one_runs_on_or_ends_before_the_new_one_is_proved(host, store, old, new, asked):
    _run(host, f"worker@{OLD}")
    Succession(store({"worker": old}, {"worker": new}), NEW, 5).run()
    assert host.asked == asked


def test_of_several_that_may_overlap_and_those_that_may_not(host, store):
    mine = {"worker": {**WORKER, "count": 2}, "beat": BEAT}
    _run(host, f"worker-1@{OLD}", f"worker-2@{OLD}", f"beat@{OLD}")
    there = store(mine, mine)
    Succession(there, NEW, 5).run()
    assert host.asked == [
        "start later beat@NEW",
        "start later worker-1@NEW",
        "start later worker-2@NEW",
        "stop beat@OLD",
    ]
    host.asked.clear()

    seen = Processes(there).look_again(NEW)
    Processes(there).end(seen)
    assert host.asked == ["stop later worker-1@OLD", "stop later worker-2@OLD"]
    assert [each.split(" (")[0] for each in Processes(there).ending(NEW, seen)] == [f"worker of release {OLD}"] * 2


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (
            {"ActiveState": "activating", "SubState": "auto-restart", "ExecMainStatus": "1", "Result": "exit-code"},
            r"status 1 \(exit-code\)",
        ),
        ({"ActiveState": "failed", "ExecMainStatus": "203"}, "status 203"),
        ({"ActiveState": "inactive"}, "status 0.*must stay in the foreground"),
    ],
)
def test_one_that_dies_refuses_its_release_before_one_that_runs_alone_ends(host, store, state, says):
    _run(host, f"worker@{OLD}", f"beat@{OLD}")
    host.starts["worker@NEW"] = state
    succession = Succession(store({"worker": WORKER, "beat": BEAT}, {"worker": WORKER, "beat": BEAT}), NEW, 5)
    with pytest.raises(ProcessRefused, match=says) as refusal:
        succession.run()
    assert (_short(refusal.value.unit), refusal.value.journal) == ("worker@NEW", "It broke: worker@NEW")
    succession.undo()
    starts = ["start later beat@NEW", "start later worker@NEW"]
    assert host.asked == [*starts, "stop later beat@NEW", "stop later worker@NEW"]


def test_one_that_runs_alone_and_dies_leaves_the_old_one_running_again(host, store):
    _run(host, f"beat@{OLD}")
    host.starts["beat@NEW"] = {"ActiveState": "activating", "SubState": "auto-restart"}
    succession = Succession(store({"beat": BEAT}, {"beat": BEAT}), NEW, 5)
    with pytest.raises(ProcessRefused):
        succession.run()
    assert succession.undo() == (f"beat of release {OLD} (gunicorn-shop-beat@{OLD}.service)",)
    assert host.asked == ["start later beat@NEW", "stop beat@OLD", "stop later beat@NEW", "start later beat@OLD"]


def test_one_that_restarts_while_it_is_to_settle_dies(host, store, monkeypatch):
    succession = Succession(store({}, {"worker": {**WORKER, "settle": 60}}), NEW, 5)
    first = host.show_all

    def show_all(units, *names):
        host.starts["worker@NEW"] = {"NRestarts": "1"} if "SubState" in names else {}
        return first(units, *names)

    monkeypatch.setattr(systemd, "show_all", show_all)
    with pytest.raises(ProcessRefused):
        succession.run()


def test_one_that_does_not_get_so_far_is_refused(host, store):
    host.starts["worker@NEW"] = {"ActiveState": "activating", "SubState": "start"}
    with pytest.raises(ProcessRefused, match=r"did not start within 0.05 s \(gunicorn_health.timeout\)"):
        Succession(store({}, {"worker": WORKER}), NEW, 0.05).run()


def test_one_that_has_yet_to_begin_has_not_ended(host, store):
    host.starts["worker@NEW"] = {"ActiveState": "inactive", "Job": "47"}
    with pytest.raises(ProcessRefused, match="did not start"):
        Succession(store({}, {"worker": WORKER}), NEW, 0.05).run()


def test_one_that_stands_in_line_has_not_begun(host, store, monkeypatch):
    monkeypatch.setattr(processes.locks, "in_line", lambda _pid: True)
    with pytest.raises(ProcessRefused, match="did not start"):
        Succession(store({}, {"beat": BEAT}), NEW, 0.05).run()


@pytest.fixture
def kept(host, monkeypatch):
    """Have the new release's process stand in line until the old one's has ended; return who has the lock, by its unit."""
    kept = [f"gunicorn-shop-worker@{OLD}.service"]
    host.starts["worker@NEW"] = {"MainPID": "815"}
    monkeypatch.setattr(processes.locks, "in_line", lambda pid: pid == "815" and "stop worker@OLD" not in host.asked)
    monkeypatch.setattr(processes.locks, "holders", lambda _path: {str(4711 + index) for index in range(len(kept))})
    monkeypatch.setattr(systemd, "unit_of", lambda pid: kept[int(pid) - 4711])
    return kept


def test_one_that_the_old_one_keeps_in_line_takes_over_as_one_that_runs_alone(host, store, kept):
    _run(host, f"worker@{OLD}", f"other@{OLD}")
    both = {"worker": WORKER, "other": WORKER}
    Succession(store(both, both), NEW, 5).run()
    assert host.asked == ["start later other@NEW", "start later worker@NEW", "stop worker@OLD"]


@pytest.mark.parametrize(("settings", "whose"), [(WORKER, "gunicorn-shop-tidy-job@0b1a.service"), (BEAT, "")])
def test_one_that_something_else_keeps_in_line_ends_no_other(host, store, kept, settings, whose):
    kept.append(whose)
    _run(host, f"worker@{OLD}")
    succession = Succession(store({"worker": settings}, {"worker": settings}), NEW, 5)
    of = f" of {whose}" if whose else ""
    with pytest.raises(
        ProcessRefused, match=rf"waits for the lock on \S+/locks/worker, which process 4712{of} has: end"
    ):
        succession.run()
    succession.undo()
    assert host.asked == ["start later worker@NEW", "stop later worker@NEW"]


def test_each_is_waited_for_once(host, store, monkeypatch):
    """Also where others have to end in between."""
    clock = iter(range(1000))
    monkeypatch.setattr(processes.time, "monotonic", lambda: next(clock))
    both = {"worker": {**WORKER, "settle": 20}, "beat": {**BEAT, "settle": 1}}
    _run(host, f"beat@{OLD}")
    Succession(store({"beat": BEAT}, both), NEW, 500).run()
    assert next(clock) < 30


def test_what_runs_already_has_proved_itself(host, store):
    _run(host, f"worker@{NEW}")
    Succession(store({}, {"worker": {**WORKER, "settle": 600}}), NEW, 5).run()
    assert host.asked == []


def test_whoever_goes_back_does_not_wait_for_what_still_ends(host, store):
    host.states[f"gunicorn-shop-worker@{NEW}.service"] = "deactivating"
    host.starts["worker@NEW"] = {"ActiveState": "deactivating", "SubState": "stop-sigterm"}
    there = store({}, {"worker": {**WORKER, "settle": 60}})
    succession = Succession(there, NEW, 0.05)
    succession.run()
    assert host.asked == ["start later worker@NEW"]
    host.states[f"gunicorn-shop-worker@{NEW}.service"] = "deactivating"
    assert Processes(there).look_again(NEW).idle == ()
    succession.undo()
    assert host.asked[1:] == ["stop later worker@NEW"]


def test_what_there_is(host, store):
    _run(host, f"worker@{OLD}", f"beat@{OLD}", f"tidy-job@{OLD}", f"relay@{OLD}", f"worker-1@{NEW}")
    host.states[f"gunicorn-shop-worker-2@{NEW}.service"] = "failed"
    host.states[f"gunicorn-shop-beat@{OLD}.service"] = "deactivating"
    host.states[f"gunicorn-shop-gone@{OLD}.service"] = "failed"
    there = Processes(store({}, {"worker": {**WORKER, "count": 2}, "other": WORKER}))
    seen = there.look_again(NEW)
    assert list(map(_short, seen.idle)) == ["other@NEW", "worker-2@NEW"]
    assert list(map(_short, seen.strays)) == ["worker@OLD"]
    assert seen.busy == {OLD, NEW}
    there.end(seen)
    assert host.states[f"gunicorn-shop-gone@{OLD}.service"] == "inactive"


def test_one_that_ends_again_and_again_is_known(host, store):
    now = time.monotonic() * 1e6
    host.starts["worker@NEW"] = {"NRestarts": "7", "ActiveEnterTimestampMonotonic": f"{now:.0f}"}
    host.starts["beat@NEW"] = {"NRestarts": "0", "ActiveEnterTimestampMonotonic": f"{now:.0f}"}
    # It did once, and has run since.
    host.starts["other@NEW"] = {"NRestarts": "1", "ActiveEnterTimestampMonotonic": f"{now - 601e6:.0f}"}
    there = Processes(store(dict.fromkeys(["worker"], WORKER), dict.fromkeys(["worker", "beat", "other"], WORKER)))
    found = {_short(unit): said for unit, said in there.unsteady(NEW, 0).items()}
    assert found == {"worker@NEW": (7, "It broke: worker@NEW")}
    assert Processes(store({}, {})).unsteady(NEW, 0) == {}


def test_where_there_is_none_nothing_is_asked(host, store):
    there = store({}, {})
    Succession(there, NEW, 5).run()
    seen = Processes(there).look(NEW, {})
    Processes(there).end(seen)
    assert (host.asked, seen.idle, seen.busy, Processes(there).ending(NEW, seen)) == ([], (), set(), ())
