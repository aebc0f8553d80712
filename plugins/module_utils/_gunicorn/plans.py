# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many workers, and which limit decided. Private to the collection. Pure."""

from __future__ import annotations

import math
import re
from typing import Any

# How the names of those worker classes begin that serve many requests at once in one worker: more workers than CPUs
# only cost memory.
EVENT_LOOPS = ("asgi", "gevent", "tornado", "uvicorn.", "uvicorn_worker.")
# What the arbiter and the interpreter's shared pages take, in MiB: a fifth of the host stays for all the rest.
_ARBITER = 32
_SHARE_OF_HOST = 0.8
# It counts bytes in 64 bits, and all of them mean infinity.
_SYSTEMDS_MOST = (1 << 64) - 1
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def workers(vcpus: object) -> int:
    """Return `2 * vcpus + 1`, the number that gunicorn's own guide starts from."""
    return 2 * whole(vcpus, "vcpus") + 1


def plan(
    vcpus: object,
    memory: object,
    *,
    memory_max: object = None,
    cpu_quota: object = None,
    worker_class: str = "sync",
    threads: object = 1,
    memory_per_worker: object = 100,
    given: object = None,
    overlap: bool = True,
    free: int | None = None,
) -> dict[str, Any]:
    """Return the plan for one instance of an app.

    `vcpus` and `memory` (MiB) are the host's; `memory_max` (`512M`) and `cpu_quota` (`150%`) the limits of the
    instance, in systemd's terms; `memory_per_worker` is in MiB; `given` is a number of workers that the user fixed;
    `overlap` says whether two instances run for a moment at a switch; `free` is how much of the memory nobody uses now.

    The result has `summary`, a line for people, `switch`, one on what a switch takes, `workers`, `threads`, `memory`
    (MiB of one instance, estimated), `connections` (to a database, of one instance, where each thread keeps one; None
    where they don't depend on threads), `limit` (`cpus`, `quota`, `class`, `memory` or `given`: what decided),
    `reason` (that in words), `host` (what of the host in_force needs) and `warnings`.
    Raises ValueError with a sentence about the value that can't be used.
    """
    cpus, each = whole(vcpus, "vcpus"), whole(threads, "threads")
    there, per_worker = whole(memory, "memory"), whole(memory_per_worker, "memory_per_worker")
    most = mebibytes(memory_max) if memory_max else None

    number, limit, reason = workers(cpus), "cpus", f"2 x {cpus} CPUs + 1"
    if cpu_quota and percent(cpu_quota) < 100 * cpus:
        number, limit = math.floor(2 * percent(cpu_quota) / 100) + 1, "quota"
        reason = f"2 x {percent(cpu_quota) / 100:g} CPUs + 1 for a CPU quota of {cpu_quota}"
    if worker_class.startswith(EVENT_LOOPS) and number > max(2, cpus):
        number, limit = max(2, cpus), "class"
        reason = f"one per CPU, and at least 2, for the worker class {worker_class}"
    room = most if most is not None else math.floor(there * _SHARE_OF_HOST)
    fit = max(1, (room - _ARBITER) // per_worker)
    if fit < number:
        number, limit = fit, "memory"
        reason = f"what {room} MiB hold with {per_worker} MiB a worker"
    if given is not None:
        number, limit, reason = whole(given, "workers"), "given", "set in gunicorn_settings"

    host = {
        "memory_per_worker": per_worker,
        "room": room,
        "room_of_all": math.floor(there * _SHARE_OF_HOST),
        "free": free,
        "overlap": overlap,
        "event_loop": worker_class.startswith(EVENT_LOOPS),
    }
    return _result(number, each, limit, reason, host)


def of_settings(vcpus: object, memory: object, settings: dict, **limits: Any) -> dict:
    """Return the plan of an app with these settings of gunicorn; `limits` are other arguments of plan()."""
    return plan(
        vcpus,
        memory,
        worker_class=str(settings.get("worker_class", "sync")),
        threads=_number(settings, "threads") or 1,
        given=_number(settings, "workers"),
        **limits,
    )


def _number(settings: dict, name: str) -> int | None:
    """Return one of the settings, None where no plan can be made with it: what is wrong with it gunicorn_config says."""
    try:
        return whole(settings.get(name), name)
    except ValueError:
        return None


def in_force(planned: dict[str, Any], found: dict[str, Any] | None) -> dict[str, Any]:
    """Return what a plan came to, in its form: `found` has the `workers` and `threads` that gunicorn would run.

    Where nobody has asked gunicorn yet it is the plan, which says so.
    """
    if not found:
        return {**planned, "summary": f"planned: {planned['summary']}"}
    if all(found[name] == planned[name] for name in ("workers", "threads")):
        return planned
    return _result(found["workers"], found["threads"], "given", "set in gunicorn_conf_file", planned["host"])


def mebibytes(size: object) -> int:
    """Return a size in systemd's form (bytes, or with K, M, G, T) in whole MiB."""
    match = re.fullmatch(r"([0-9]+)([KMGT]?)", str(size))
    given = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 1 << 20 <= given < _SYSTEMDS_MOST:
        raise ValueError(
            f"{size!r} is no size of memory: write at least 1 MiB as bytes or with K, M, G or T, such as '512M'"
        )
    return given >> 20


def percent(quota: object) -> int:
    """Return a CPU quota in systemd's form (`150%` is one and a half CPUs) in percent of one CPU."""
    match = re.fullmatch(r"([1-9][0-9]*)%", str(quota))
    if not match:
        raise ValueError(f"{quota!r} is no CPU quota: write a percentage of one CPU, such as '150%'")
    return int(match[1])


def whole(value: object, name: str) -> int:
    """Return a whole number of at least 1 that may come as text, as Ansible's variables do."""
    if isinstance(value, bool) or not re.fullmatch(r"[1-9][0-9]*", str(value)):
        raise ValueError(f"{name} is {value!r}, but must be a whole number of at least 1")
    return int(str(value))


def _result(number: int, threads: int, limit: str, reason: str, host: dict[str, Any]) -> dict[str, Any]:
    estimate = _ARBITER + number * host["memory_per_worker"]
    connections = None if host["event_loop"] else number * threads
    each = f", {threads} threads each" if threads > 1 else ""
    return {
        "summary": f"{number} workers ({reason}){each}, about {estimate} MiB for an instance",
        "switch": _switch(estimate, connections, host),
        "workers": number,
        "threads": threads,
        "memory": estimate,
        "connections": connections,
        "limit": limit,
        "reason": reason,
        "host": host,
        "warnings": _warnings(estimate, host),
    }


def _switch(estimate: int, connections: int | None, host: dict[str, Any]) -> str:
    both = 2 if host["overlap"] else 1
    opened = f"{both} times the database connections that the app opens"
    if connections:
        opened = f"up to {both * connections} database connections, where each thread keeps one"
    how = "two instances run for a moment" if host["overlap"] else "one instance ends before the other answers"
    return f"at a switch {how}: about {both * estimate} of {host['room_of_all']} MiB, and {opened}"


def _warnings(estimate: int, host: dict[str, Any]) -> list[str]:
    found = []
    if estimate > host["room"]:
        found.append(f"an instance may take {estimate} MiB, but only {host['room']} MiB are there for it")
    if host["overlap"] and 2 * estimate > host["room_of_all"]:
        found.append(
            f"at a switch two instances run for a moment and may take {2 * estimate} MiB; "
            f"of this host's memory {host['room_of_all']} MiB can be counted on"
        )
    elif host["overlap"] and host["free"] is not None and estimate > host["free"]:
        found.append(
            f"a new instance may take {estimate} MiB beside all that runs on this host now, where {host['free']} MiB are free"
        )
    return found
