# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs beside the web process of a release: processes, and jobs at their times. Private to the collection. Pure.

gunicorn-APP-NAME@RELEASE.service        a process; gunicorn-APP-NAME-1@… and so on where there are several of it
gunicorn-APP-NAME-job@RELEASE.service    one run of a job
gunicorn-APP-processes.service           starts at boot the processes of what `current` names
gunicorn-APP-NAME.timer, .service        has a job run at its times, by the release that `current` names at that moment

No name of an app has a dash, so none of these is another app's.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.pyweb.stack.plugins.module_utils._release import commands, unit_files
from ansible_collections.pyweb.stack.plugins.module_utils._release.unit_files import Service

# In the folder of a release: the units of its processes, and what of its environment only gunicorn could tell.
LIST = "processes"
ENV = "companions.env"
# Where an app has its work, if on its own host. Without them a worker that is told to end as the host goes down could not give
# back what it took, and a job that was missed would run before its database.
_STORES = (
    *("mariadb.service", "memcached.service", "mysql.service", "postgresql.service", "rabbitmq-server.service"),
    *("redis-server.service", "valkey-server.service"),
)
# Words that mean the same to systemd with quotes and without.
_PLAIN = re.compile(r"[\w./:=,@+-]+", re.ASCII)


@dataclasses.dataclass(frozen=True)
class Process:
    """A process that runs as long as its release serves, `count` times.

    Its `command` begins with a program of the release's environment, `manage.py`, or an absolute path. Unless it may
    `overlap`, the kernel keeps it from running beside that of another release. It may take `stop_timeout` seconds to end,
    and has proved itself when it has lived for `settle` seconds; with `notify` it tells systemd when it has started.
    `memory_max` is in systemd's form; None for that of the app.
    """

    name: str
    command: tuple[str, ...]
    count: int = 1
    overlap: bool = True
    stop_timeout: int = 30
    settle: int = 5
    notify: bool = False
    memory_max: str | None = None

    def units(self, app: str, release: str) -> list[str]:
        """Return the names of its units."""
        numbers = [""] if self.count == 1 else [f"-{number}" for number in range(1, self.count + 1)]
        return [f"gunicorn-{app}-{self.name}{number}@{release}.service" for number in numbers]

    def unit_text(self, service: Service) -> str:
        """Return the text of its units, in the sandbox of `service`."""
        release = f"{service.folder}/releases/%i"
        limits = [line for line in service.limits if line[0] != "MemoryMax" or not self.memory_max]
        own = dataclasses.replace(
            service, limits=(*limits, *([("MemoryMax", self.memory_max)] if self.memory_max else []))
        )
        return unit_files.text(
            _about(f"The app {service.app}, release %i, {self.name}"),
            (
                "Service",
                [
                    *([("Type", "notify"), ("NotifyAccess", "main")] if self.notify else [("Type", "exec")]),
                    ("ExecStart", _in_turn(service, self.name, self.overlap, self.command)),
                    # It may stand in line for as long as another one takes to end.
                    *([] if self.overlap else [("TimeoutStartSec", "infinity")]),
                    _journal(service.app, self.name),
                    ("KillMode", "mixed"),
                    ("TimeoutStopSec", str(self.stop_timeout)),
                    ("Restart", "always"),
                    ("RestartSec", "1"),
                    *_properties(own, release),
                ],
            ),
        )


@dataclasses.dataclass(frozen=True)
class Job:
    """Something that runs at its times, by whichever release serves then.

    Its `command` is as that of a process, `at` when it runs in systemd's calendar form. It begins up to `jitter` later, and
    is ended after `timeout`; both are in systemd's form of a time, or seconds.
    """

    name: str
    command: tuple[str, ...]
    at: str
    jitter: str | None = None
    timeout: str | None = None

    def unit(self, app: str, release: str) -> str:
        """Return the name of the unit that is one run of it."""
        return f"gunicorn-{app}-{self.name}-job@{release}.service"

    def timer(self, app: str) -> str:
        """Return the name of its timer, which stays while releases come and go."""
        return f"gunicorn-{app}-{self.name}.timer"

    def starter(self, app: str) -> str:
        """Return the name of what its timer starts."""
        return f"gunicorn-{app}-{self.name}.service"

    def unit_text(self, service: Service) -> str:
        """Return the text of the unit that is one run of it, in the sandbox of `service`."""
        release = f"{service.folder}/releases/%i"
        return unit_files.text(
            _about(f"The app {service.app}, release %i, {self.name}"),
            (
                "Service",
                [
                    ("Type", "oneshot"),
                    ("ExecStart", _in_turn(service, self.name, False, self.command)),
                    # Of such a unit the start is all there is.
                    ("TimeoutStartSec", self.timeout or "infinity"),
                    _journal(service.app, self.name),
                    ("KillMode", "mixed"),
                    *_properties(service, release),
                ],
            ),
        )

    def standing(self, app: str, folder: str) -> dict[str, str]:
        """Return the texts by name of what stays of it while releases come and go; `folder` is the app's."""
        run = self.unit(app, f'$$(basename "$$(readlink {folder}/current)")')
        return {
            self.timer(app): unit_files.text(
                # With the app, at boot and by hand.
                (
                    "Unit",
                    [("Description", f"The app {app}: when {self.name} runs"), ("PartOf", f"gunicorn-{app}.service")],
                ),
                (
                    "Timer",
                    [
                        ("OnCalendar", self.at),
                        # By default it would come up to a minute late.
                        ("AccuracySec", "1s"),
                        # Not thrown anew with each deploy, in which systemd reads its units.
                        *([("RandomizedDelaySec", self.jitter), ("FixedRandomDelay", "yes")] if self.jitter else []),
                        # What was due while the host was down comes after it.
                        ("Persistent", "yes"),
                    ],
                ),
                ("Install", [("WantedBy", f"gunicorn-{app}.service")]),
            ),
            # The timer waits for this one, which waits for the run: so there never are two, whatever release they are of.
            self.starter(app): unit_files.text(
                (
                    "Unit",
                    [
                        ("Description", f"The app {app}: {self.name} of its serving release"),
                        _after(app),
                        ("ConditionPathIsSymbolicLink", f"{folder}/current"),
                        ("RequiresMountsFor", folder),
                        unit_files.NO_START_LIMIT,
                    ],
                ),
                ("Service", [("Type", "oneshot"), ("ExecStart", f"/bin/sh -c 'exec systemctl start \"{run}\"'")]),
            ),
        }


@dataclasses.dataclass(frozen=True)
class Companions:
    """All that runs beside the web process of a release."""

    processes: tuple[Process, ...] = ()
    jobs: tuple[Job, ...] = ()

    @classmethod
    def of(cls, processes: Mapping[str, Mapping[str, Any]], schedule: Mapping[str, Mapping[str, Any]]) -> Companions:
        """Return what the variables `gunicorn_processes` and `gunicorn_schedule` say, or a release's record of them."""
        return cls(
            tuple(Process(name=name, **_given(given)) for name, given in sorted(processes.items())),
            tuple(Job(name=name, **_given(given)) for name, given in sorted(schedule.items())),
        )

    def record(self) -> dict[str, dict[str, Any]]:
        """Return what `of` makes it of, by the names of its parameters."""
        return {"processes": dict(map(_recorded, self.processes)), "schedule": dict(map(_recorded, self.jobs))}

    def process_units(self, app: str, release: str) -> list[str]:
        """Return the names of the units of its processes."""
        return [unit for process in self.processes for unit in process.units(app, release)]

    def all_units(self, app: str, release: str) -> list[str]:
        """Return the names of all units of its processes and jobs, those that stay while releases come and go included."""
        of_jobs = [unit for job in self.jobs for unit in (job.unit(app, release), job.timer(app), job.starter(app))]
        return [*self.process_units(app, release), *of_jobs, *([starter(app)] if self.processes else [])]

    def locks(self) -> list[str]:
        """Return the names of the locks by which they wait for each other."""
        return sorted({process.name for process in self.processes} | {job.name for job in self.jobs})

    def units(self, service: Service, release: str) -> dict[str, str]:
        """Return the texts of the units that belong to a release, by name."""
        return {
            **{
                unit: process.unit_text(service)
                for process in self.processes
                for unit in process.units(service.app, release)
            },
            **{job.unit(service.app, release): job.unit_text(service) for job in self.jobs},
        }

    def standing(self, app: str, folder: str) -> dict[str, str]:
        """Return the texts by name of the units that stay while releases come and go; `folder` is the app's."""
        units = {starter(app): _starter_text(app, folder)} if self.processes else {}
        for job in self.jobs:
            units.update(job.standing(app, folder))
        return units


def starter(app: str) -> str:
    """Return the name of the unit that starts the processes of what `current` names."""
    return f"gunicorn-{app}-processes.service"


def _recorded(each: Process | Job) -> tuple[str, dict[str, Any]]:
    parts = dataclasses.asdict(each)
    return parts.pop("name"), parts


def _given(given: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: value for name, value in given.items() if value is not None}
    values["command"] = tuple(values["command"])
    for kind, names in ((str, ("jitter", "timeout", "memory_max")), (int, ("count", "stop_timeout", "settle"))):
        values.update({name: kind(values[name]) for name in names if name in values})
    return values


def _about(description: str) -> tuple[str, list[tuple[str, str]]]:
    return "Unit", [("Description", description), ("After", "network.target"), unit_files.NO_START_LIMIT]


def _journal(app: str, name: str) -> tuple[str, str]:
    # By default that is what keeps it waiting for its turn.
    return "SyslogIdentifier", f"gunicorn-{app}-{name}"


def _properties(service: Service, release: str) -> list[tuple[str, str]]:
    properties = service.properties(release)
    place = next(number for number, line in enumerate(properties) if line[0] == "EnvironmentFile")
    # Before the app's own, which goes over it.
    return [*properties[:place], ("EnvironmentFile", f"{release}/{ENV}"), *properties[place:]]


def _in_turn(service: Service, name: str, overlap: bool, command: tuple[str, ...]) -> str:
    """Return the command in its turn, for which the kernel has it wait."""
    turn = f"/usr/bin/flock --no-fork {'--shared' if overlap else '--exclusive'} {service.folder}/locks/{name}"
    first, *rest = commands.argv([*command], f"{service.folder}/releases/%i")
    # Only an absolute path is the user's own words.
    return " ".join([turn, _quoted(first) if first == command[0] else first, *map(_quoted, rest)])


def _quoted(word: str) -> str:
    """Return a word as systemd reads it, which takes nothing in it for a variable or a specifier (systemd.service(5))."""
    if _PLAIN.fullmatch(word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    # A line of a unit has no line break.
    return '"' + "".join(each if each >= " " and each != "\x7f" else f"\\x{ord(each):02x}" for each in escaped) + '"'


def _after(app: str) -> tuple[str, str]:
    """Return the line by which what it starts comes after a database or queue of this host, and ends before that."""
    return "After", f"network.target cache-{app}.service {' '.join(_STORES)}"


def _starter_text(app: str, folder: str) -> str:
    listed = f"{folder}/current/{LIST}"
    return unit_files.text(
        (
            "Unit",
            [
                ("Description", f"The app {app}: the processes of its serving release"),
                ("ConditionPathExists", listed),
                ("RequiresMountsFor", folder),
                # With the app, at boot and by hand.
                ("PartOf", f"gunicorn-{app}.service"),
                _after(app),
                unit_files.NO_START_LIMIT,
            ],
        ),
        (
            "Service",
            [
                ("Type", "oneshot"),
                ("RemainAfterExit", "yes"),
                ("ExecStart", f"/bin/sh -c 'exec systemctl start --no-block $$(cat {listed})'"),
                ("ExecStop", f"/bin/sh -c '[ ! -e {listed} ] || exec systemctl stop $$(cat {listed})'"),
                # Each has an end of its own.
                ("TimeoutStopSec", "infinity"),
            ],
        ),
        ("Install", [("WantedBy", f"gunicorn-{app}.service")]),
    )
