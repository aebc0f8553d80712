# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the variables of what runs beside an app's web process. Private to the collection.

Each yields what is wrong with a value, as the rest of a sentence that begins with the variable.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn import plans
from ansible_collections.pyweb.stack.plugins.module_utils._release import commands
from ansible_collections.pyweb.stack.plugins.module_utils._text import crontab, naming

Faults = Iterator[str]
# Units of these names are the app's own.
_TAKEN = ("build", "command", "processes", "relay", "run", "tcp")
# What lets a program go on behind the back of whoever started it.
_DETACHING = ("--detach", "--daemon", "--daemonize", "--background")
_MOST = 64
_LONGEST_STOP = 3600
_SPAN = re.compile(r"[0-9]+|(?:[0-9]+ ?(?:s|sec|seconds?|m|min|minutes?|h|hr|hours?|d|days?|w|weeks?) ?)+", re.ASCII)
# No expression of systemd's has anything else, and a time zone.
_CALENDAR = re.compile(r"[\w*.,:/~+ -]+", re.ASCII)


def processes(given: dict) -> Faults:
    """The processes beside the web process: `gunicorn_processes`."""
    parts = {
        "count": _whole(1, _MOST),
        "overlap": _truth,
        "stop_timeout": _whole(1, _LONGEST_STOP),
        "settle": _whole(0, _LONGEST_STOP),
        "notify": _truth,
        "memory_max": _memory,
    }
    for name, process in given.items():
        found = [*_each("process", name, process, parts)]
        yield from found
        if found:
            continue
        fault = _detaches(process["command"])
        if fault:
            yield f"has {commands.shown(process['command'])} for {name}, but {fault}"
        overlap = process.get("overlap") is not False
        if int(process.get("count") or 1) > 1 and not overlap:
            yield f"has {process['count']} of {name}, but overlap: false, by which there never are two: leave one of them out"
        if overlap and commands.has_a_beat(process["command"]):
            yield (
                f"has a beat of Celery in {name}, of which two would send each task twice while one release takes over from "
                "another: set overlap: false, and give it a process of its own (celery beat, without -B)"
            )


def schedule(given: dict) -> Faults:
    """What runs at its times: `gunicorn_schedule`."""
    parts = {"at": _calendar_fault, "jitter": _span_fault, "timeout": _span_fault}
    for name, job in given.items():
        yield from _each("job", name, job, parts, needed=("command", "at"))


def shared_names(processes: Any, schedule: Any) -> Faults:
    """Names of `gunicorn_schedule` that `gunicorn_processes` has, too."""
    both = processes.keys() & schedule if isinstance(processes, dict) and isinstance(schedule, dict) else ()
    for name in sorted(both, key=str):
        # By the lock of that name the job would wait for a process that never ends.
        yield (
            f"has a job {name!r}, and gunicorn_processes a process of that name: the two would share a lock and a name in the "
            "journal, so call one of them otherwise"
        )


def _each(
    kind: str,
    name: object,
    given: Any,
    parts: dict[str, Callable[[Any], str | None]],
    needed: tuple[str, ...] = ("command",),
) -> Faults:
    if naming.app_name(name) or name in _TAKEN:
        why = (
            "which is the name of a unit of the app"
            if name in _TAKEN
            else "but names are lower-case words, as the app's"
        )
        yield f"has a {kind} {name!r}, {why}: for instance 'worker' or 'nightly_report'"
    elif not isinstance(given, dict):
        yield f"has {given!r} for {name}, but must have a dictionary such as {{command: [manage.py, clearsessions]}}"
    else:
        known = ("command", *parts)
        for part in given:
            if part not in known:
                near = difflib.get_close_matches(str(part), known, n=1)
                hint = f"perhaps {near[0]} was meant" if near else f"a {kind} has {', '.join(known)}"
                yield f"has {part!r} for {name}, which is none of its parts; {hint}"
        for part in needed:
            if given.get(part) is None:
                yield f"has no {part} for {name}, which needs one"
        if given.get("command") is not None:
            wrong = [*commands.faults(given["command"])] or [*commands.first_word_faults(given["command"])]
            yield from (f"{fault} (it is that of {name})" for fault in wrong)
        for part, fault in parts.items():
            if given.get(part) is not None and (said := fault(given[part])):
                yield f"has the {part} {given[part]!r} for {name}, but {said}"


def _detaches(words: list[str]) -> str | None:
    """Say what in a command makes it leave the foreground, in which systemd watches it."""
    celery = commands.is_celery(words)
    for word in words:
        if word in _DETACHING or (celery and word == "-D"):
            return f"{word} has it leave the foreground, where systemd watches it and ends it: leave that out"
    if celery and "multi" in words:
        return "celery multi has its workers leave the foreground: write 'worker' instead, and say by count how many"
    return None


def _calendar_fault(at: Any) -> str | None:
    if not isinstance(at, str):
        return "it must be text, a time in systemd's calendar form, such as 'daily' or 'Mon..Fri 06:30'"
    if crontab.is_one(at):
        time, command = crontab.split(at)
        behind = ", and give what is behind it as command, a list of words" if command else ""
        try:
            return f"that is a time of a crontab: write {crontab.calendar(time)!r}{behind}"
        except crontab.CrontabError as error:
            hint = "; what runs all the time is one of gunicorn_processes" if time == "@reboot" else ""
            return f"that is a time of a crontab, and {error}{hint}; man systemd.time has the forms"
    if not _CALENDAR.fullmatch(at):
        return "it must be a time in systemd's calendar form, such as 'daily' or 'Mon..Fri 06:30'"
    return None


def _span_fault(span: Any) -> str | None:
    if isinstance(span, bool) or not _SPAN.fullmatch(str(span)):
        return "it must be a time such as '15m', '1h 30m', or a number of seconds"
    return None


def _whole(least: int, most: int) -> Callable[[Any], str | None]:
    def fault(value: Any) -> str | None:
        if isinstance(value, bool) or not re.fullmatch("[0-9]{1,9}", str(value)) or not least <= int(value) <= most:
            return f"it must be a whole number from {least} to {most}"
        return None

    return fault


def _truth(value: Any) -> str | None:
    return None if isinstance(value, bool) else "it must be true or false"


def _memory(value: Any) -> str | None:
    try:
        plans.mebibytes(value)
    except ValueError as error:
        return str(error)
    return None
