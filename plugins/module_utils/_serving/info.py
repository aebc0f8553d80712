# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be known of an app without running any of it. Private to the collection; everything here only reads."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ansible_collections.pyweb.stack.plugins.module_utils._host import systemd
from ansible_collections.pyweb.stack.plugins.module_utils._release import unit_files
from ansible_collections.pyweb.stack.plugins.module_utils._release.companions import Job
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store, StoreError
from ansible_collections.pyweb.stack.plugins.module_utils._serving import queues
from ansible_collections.pyweb.stack.plugins.module_utils._serving.instance import Instance, children
from ansible_collections.pyweb.stack.plugins.module_utils._serving.processes import Processes, Running

_MIB = 1 << 20
# systemd shows a number of 64 bits where the kernel counts no memory.
_NOT_COUNTED = 1 << 63
_ASKED = ("ActiveState", "SubState", "MainPID", "NRestarts", "MemoryCurrent")
# How many of the last events people want to see.
_EVENTS = 10


def apps(root: str) -> list[str]:
    """Return the names of the apps whose folders are in `root`."""
    try:
        names = sorted(os.listdir(root))
    except FileNotFoundError:
        return []
    return [name for name in names if Store(root, name).ours()]


def app(root: str, name: str) -> dict:
    """Return what the module `gunicorn_info` says of one app.

    Raises PermissionError where that may not be read, StoreError where there is no such app.
    """
    store = Store(root, name)
    if not store.ours():
        raise StoreError(f"there is no app {name!r} in {root}")
    history = store.history.events()
    serving, processes = store.current(), Processes(store)
    last = {event["release"]: event for event in store.activations()}
    return {
        "name": name,
        "folder": store.path,
        "release": serving,
        "previous": store.previous(),
        "releases": [_release(store, each, last.get(each, {}), serving) for each in store.latest()],
        # Without the paths that it was asked for, whose queries may have tokens.
        "history": [{name: event[name] for name in event if name != "asked"} for event in history[-_EVENTS:]],
        "settings": store.release(serving)["in_force"] if serving else {},
        "instance": _instance(name, serving) if serving else None,
        "processes": _processes(processes.look_again(serving or "").there),
        "schedule": [_job(name, each) for each in processes.companions(serving or "").jobs],
        "listens": [f"{store.current_link}/app.sock"] * bool(serving)
        + [each for each in [unit_files.fixed_address(name)] if each],
    }


def _release(store: Store, release: str, last: dict, serving: str | None) -> dict:
    record = store.release(release)
    return {
        "id": release,
        "version": record["version"],
        "wsgi_app": record["app"]["wsgi_app"],
        "env": sorted(record["env"]),
        "built": record["built"],
        "served": last.get("time"),
        "by": last.get("by"),
        "serves": release == serving,
    }


def _instance(name: str, release: str) -> dict:
    instance = Instance(name, release)
    asked = systemd.show(instance.service, *_ASKED)
    pid = asked["MainPID"]
    waiting, accepted = queues.length(instance.path)
    return {
        "unit": instance.service,
        **_state(asked),
        "workers": [_worker(each) for each in sorted(children(pid), key=int)],
        "waiting": waiting,
        "accepted": accepted,
    }


def _processes(there: Sequence[Running]) -> list[dict]:
    asked = systemd.show_all([each.unit for each in there], *_ASKED) if there else {}
    return [
        {"name": each.name, "release": each.release, "unit": each.unit, "job": each.is_job, **_state(asked[each.unit])}
        for each in there
    ]


def _job(app: str, job: Job) -> dict:
    starter = job.starter(app)
    times = systemd.moments(job.timer(app), "NextElapseUSecRealtime", "LastTriggerUSec")
    state = systemd.show(starter, "ActiveState", "Result")
    ended = systemd.moments(starter, "ExecMainExitTimestamp")["ExecMainExitTimestamp"]
    result = state["Result"] if ended else None
    return {
        "name": job.name,
        "at": job.at,
        "next": times["NextElapseUSecRealtime"],
        "last": times["LastTriggerUSec"],
        "result": "running" if state["ActiveState"] == "activating" else result,
    }


def _state(asked: dict[str, str]) -> dict:
    memory, pid = asked["MemoryCurrent"], asked["MainPID"]
    return {
        "state": f"{asked['ActiveState']} ({asked['SubState']})",
        "restarts": int(asked["NRestarts"]),
        "memory": int(memory) // _MIB if memory.isdigit() and int(memory) < _NOT_COUNTED else None,
        "pid": int(pid) or None,
        "uptime": _uptime(pid),
    }


def _worker(pid: str) -> dict:
    return {"pid": int(pid), "uptime": _uptime(pid), "memory": _resident(pid)}


def _uptime(pid: str) -> int | None:
    """Return for how many whole seconds a process has lived, None where there is none (proc_pid_stat(5))."""
    text = _read(f"/proc/{pid}/stat")
    if text is None:
        return None
    # The name of the program, which may hold anything, ends with the last parenthesis.
    started = int(text.rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
    return int(float((_read("/proc/uptime") or "0").split()[0]) - started)


def _resident(pid: str) -> int | None:
    """Return how many MiB a process has in memory, what it shares with others included."""
    text = _read(f"/proc/{pid}/statm")
    return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE") // _MIB if text else None


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
