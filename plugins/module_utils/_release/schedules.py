# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be known of processes and jobs before one is started. Private to the collection."""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Iterable, Iterator

from ansible_collections.pyweb.stack.plugins.module_utils._host import systemd
from ansible_collections.pyweb.stack.plugins.module_utils._release import commands
from ansible_collections.pyweb.stack.plugins.module_utils._release.companions import Companions, Job, Process

# In the diff, of each job.
_TIMES = 3


def program_faults(of: Companions, venv: str, workdir: str, foretold: bool) -> Iterator[str]:
    """Yield which programs are not there: in `venv`, in `workdir`, where they run, or on the host.

    An environment that is not there yet is passed over, and in check mode, where all is `foretold`, also what of the host
    Debian's packages may bring.
    """
    named = [("gunicorn_processes", each.name, each.command) for each in of.processes]
    named += [("gunicorn_schedule", each.name, each.command) for each in of.jobs]
    for variable, name, command in named if os.path.isdir(venv) else ():
        if foretold and command[0].startswith("/"):
            continue
        fault = commands.absent([*command], venv, workdir)
        if fault:
            yield f"{variable} {fault} (it is that of {name})"


def calendar_faults(jobs: Iterable[Job]) -> Iterator[str]:
    """Yield of which jobs systemd does not know when they run."""
    for job in jobs:
        try:
            if not systemd.calendar(job.at, _TIMES):
                yield f"gunicorn_schedule has the at {job.at!r} for {job.name}, which is past: name a time that comes"
        except systemd.SystemdError as error:
            yield (
                f"gunicorn_schedule has the at {job.at!r} for {job.name}, which systemd can't read: {error}; man systemd.time has "
                "the forms, such as 'daily' or 'Mon..Fri 06:30'"
            )


def told(of: Companions) -> str:
    """Return processes and jobs as a diff shows them, with the next times of these."""
    lines = [f"{each.name}: {_shown(each)}" for each in of.processes]
    for job in of.jobs:
        lines += [f"{job.name}: {_shown(job)}", *(f"  next: {time}" for time in _times(job))]
    return "".join(f"{line}\n" for line in lines)


def _shown(each: Process | Job) -> str:
    """Return a command and what else is said of it."""
    more = {
        field.name: getattr(each, field.name)
        for field in dataclasses.fields(each)
        if field.name not in ("name", "command")
    }
    parts = [f"{name} {value}" for name, value in more.items() if value is not None]
    return f"{shlex.join(each.command)} ({', '.join(parts)})"


def _times(job: Job) -> list[str]:
    try:
        return systemd.calendar(job.at, _TIMES)
    except systemd.SystemdError:
        # Of a release of before, whose systemd could read it.
        return []
