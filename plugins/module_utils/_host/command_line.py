# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people run of an app on its server, as `gunicorn-APP`. Private to the collection.

This file itself is that command, below a line that names the app. So it takes the standard library alone, and keeps nothing:
which release is active, and what its commands run with, it reads at each call from the app's folder and from that
release's unit file.
"""

# It prints, as programs do.
# pylint: disable=ansible-bad-function

from __future__ import annotations

import dataclasses
import json
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

UNITS = "/etc/systemd/system"
USAGE = """\
Usage: gunicorn-{app} COMMAND

  manage.py ...       a command of the project's manage.py, such as manage.py createsuperuser
  run PROGRAM ...     a program of the release or of Debian, or a file of Python
  shell               manage.py shell of a Django project, or else Python
  logs [OPTION ...]   what all of the app said; with options of journalctl, such as -f or --since=today
  status              which release is active, and what of it runs

Commands run in the release that is active: its code, packages and environment, as its account, in its sandbox.
"""
_OF_THE_SERVICE_ALONE = {
    "Type",
    "NotifyAccess",
    "TimeoutStartSec",
    "ExecStart",
    "KillMode",
    "TimeoutStopSec",
    "Restart",
    "RestartSec",
}
_FAITHFUL = ("/bin/sh", "-c", 'trap : INT TERM; "$@"; exit $?', "sh")
# Units that come and go with each deploy and command. What is worth to keep of theirs is under the app's identifier.
_PASSING = r"-(?:run|build|command)-[0-9a-f-]+\.service"
# Else systemd 257 has the terminal show by its colour and title that it is another account's.
_PLAIN_TERMINAL = {"SYSTEMD_TINT_BACKGROUND": "0", "SYSTEMD_ADJUST_TERMINAL_TITLE": "0"}
_GROUPS = ("/sys/fs/cgroup", "/sys/fs/cgroup/systemd")
_ACTIVE = 0
_INACTIVE = 3
_LINES = "--lines=100"
_MIB = 1 << 20
# systemd shows a number of 64 bits where the kernel counts nothing.
_NOT_COUNTED = 1 << 63


class Failure(OSError):
    """It can't be done; the message says why and what to do."""


@dataclasses.dataclass(frozen=True)
class Release:
    """The release `id` of the app `app` whose folder is `folder` (`/srv/APP`)."""

    app: str
    folder: str
    id: str

    @property
    def path(self) -> str:
        """The folder of the release."""
        return f"{self.folder}/releases/{self.id}"

    def record(self) -> dict[str, Any]:
        """Return what was written down of it. Raises OSError or ValueError."""
        with open(f"{self.path}/release.json", encoding="utf-8") as file:
            found: dict[str, Any] = json.load(file)
        return found

    def properties(self) -> list[tuple[str, str]]:
        """Return what its commands run with. Raises Failure where its unit can't be read."""
        try:
            with open(f"{UNITS}/gunicorn-{self.app}@{self.id}.service", encoding="utf-8") as file:
                of_service = properties(file.read(), self.id)
            return [*of_service, *python_path(self.record()["in_force"])]
        except (OSError, ValueError) as error:
            raise Failure(f"release {self.id} is not whole: {error}; run the playbook again") from error

    def argv(self, command: Sequence[str], of: Sequence[tuple[str, str]]) -> list[str]:
        """Return what to execute for a command, which runs with the properties `of`. Raises Failure.

        The first word is a file of Python in the folder that it runs in, such as `manage.py`, or a program.
        """
        first, folder = command[0], dict(of)["WorkingDirectory"]
        if first.endswith(".py") and os.path.isfile(os.path.join(folder, first)):
            return [f"{self.path}/venv/bin/python", *command]
        search = next(found[1] for _name, value in of if (found := re.search(r"(?:^| )PATH=(\S+)", value)))
        path = shutil.which(os.path.join(folder, first) if "/" in first else first, path=search)
        if path:
            return [path, *command[1:]]
        places = folder if "/" in first or first.endswith(".py") else search.replace(":", ", ")
        raise Failure(f"release {self.id} has no {first}: looked in {places}")

    def unit(self) -> str:
        """Return a name for the unit of a command, which says to which release it belongs."""
        return f"gunicorn-{self.app}-command-{self.id}-{secrets.token_hex(4)}.service"


def active(app: str, folder: str) -> Release:
    """Return the active release. Raises Failure where there is none."""
    try:
        return Release(app, folder, os.path.basename(os.readlink(f"{folder}/current")))
    except OSError:
        raise Failure(f"no release of the app {app} is active: run its playbook first") from None


def properties(unit: str, release: str) -> list[tuple[str, str]]:
    """Return what the text of a service's unit says that also holds for commands run beside it."""
    service = unit.split("[Service]\n", 1)[1].split("\n[", 1)[0]
    lines = [line.split("=", 1) for line in service.splitlines() if "=" in line]
    return [(key, value.replace("%i", release)) for key, value in lines if key not in _OF_THE_SERVICE_ALONE]


def python_path(in_force: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the line by which a command finds what gunicorn puts in front of the app's path."""
    path = ":".join(in_force.get("pythonpath", []))
    return [("Environment", f'"PYTHONPATH={path}"')] if path else []


def systemd_run(
    unit: str, purpose: str, of: Iterable[tuple[str, str]], argv: Sequence[str], *options: str
) -> list[str]:
    """Return the command that runs `argv` in a transient unit with the properties `of`, and waits for its end.

    `purpose` is its description in the journal.
    """
    # By default that is the command, a whole script, in every line of the journal about it.
    about = [f"--unit={unit}", f"--description={purpose}", *(f"--property={key}={value}" for key, value in of)]
    return ["systemd-run", "--quiet", "--wait", "--collect", *options, *about, "--", *argv]


def faithful(argv: Sequence[str]) -> list[str]:
    """Return a command as systemd-run takes it, whose end by a signal its exit status tells as that of a shell's does.

    To systemd, and so to systemd-run, an end by some of them is a success; and what has a dollar is a variable.
    """
    return [word.replace("$", "$$") for word in (*_FAITHFUL, *argv)]


def main(app: str, folder: str, arguments: Sequence[str]) -> int:
    """Do what the arguments ask for; return the exit status."""
    name, *rest = arguments or ["--help"]
    try:
        if name in ("-h", "--help", "help"):
            print(USAGE.format(app=app), end="")
            return 0
        if os.geteuid() != 0:
            raise Failure(f"needs root: sudo gunicorn-{app} {shlex.join(arguments)}")
        if name == "logs":
            return _logs(app, rest)
        if name == "status":
            return _status(active(app, folder))
        if name == "run" and rest:
            return _run(active(app, folder), rest)
        if name == "shell":
            release = active(app, folder)
            return _run(release, [*_shell(release), *rest])
        if name.endswith(".py"):
            return _run(active(app, folder), arguments)
        raise Failure(
            f"there is no command {name!r}: see gunicorn-{app} --help; a program of the release is started by "
            f"gunicorn-{app} run {shlex.join(rest if name == 'run' else arguments) or 'PROGRAM'}"
        )
    except Failure as failure:
        print(f"gunicorn-{app}: {failure}", file=sys.stderr)
        return 1


def _shell(release: Release) -> list[str]:
    of_django = "DJANGO_SETTINGS_MODULE" in release.record()["env"]
    return ["manage.py", "shell"] if of_django else ["python"]


def _run(release: Release, command: Sequence[str]) -> int:
    of = release.properties()
    argv = faithful(release.argv(command, of))
    unit, purpose = release.unit(), f"A command of the app {release.app}"
    terminal = all(map(os.isatty, range(3)))

    passed_on: list[int] = []

    def pass_on(number: int, _frame: object) -> None:
        passed_on.append(number)
        subprocess.run(["systemctl", "kill", f"--signal={number}", unit], stderr=subprocess.DEVNULL, check=False)

    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, pass_on)
    # On a terminal keys like Ctrl-C are the command's. Elsewhere they come here, and systemd-run must not die of them and
    # leave the command alone.
    argv = systemd_run(unit, purpose, of, argv, "--pty" if terminal else "--pipe")
    with subprocess.Popen(argv, start_new_session=not terminal, env={**os.environ, **_PLAIN_TERMINAL}) as process:
        status = process.wait()
    if status < 0 and not passed_on:
        # As where a unit is stopped in which this runs: systemd-run may have its signal before this has.
        pass_on(-status, None)
    # A key before the terminal was the command's ended systemd-run instead, for which that is no failure (systemd 257).
    if terminal and passed_on and not status:
        return 128 + passed_on[0]
    return status if status >= 0 else 128 - status


def _logs(app: str, options: Sequence[str]) -> int:
    matches = [word for match in _matches(app) for word in ("+", match)]
    argv = ["journalctl", "--output=with-unit", *(options or [_LINES]), *matches[1:]]
    os.execvp(argv[0], argv)


def _matches(app: str) -> Iterator[str]:
    """Yield what of a line in the journal tells that it is the app's."""
    units = _known_units(app)
    for unit in sorted(units):
        # What it said itself, and what systemd says of it.
        yield f"_SYSTEMD_UNIT={unit}"
        yield f"UNIT={unit}"
    # Those of later releases, for whoever follows: systemd puts all that are of one template into a slice.
    for template in sorted({f"gunicorn-{app}", *(unit.partition("@")[0] for unit in units if "@" in unit)}):
        yield "_SYSTEMD_SLICE=system-{}.slice".format(template.replace("-", r"\x2d"))
    yield f"SYSLOG_IDENTIFIER=gunicorn-{app}"


def _known_units(app: str) -> set[str]:
    """Return the app's units that the journal or systemd knows, but for those that come and go."""
    known = set(os.listdir(UNITS))
    for field in ("_SYSTEMD_UNIT", "UNIT"):
        known |= set(_said("journalctl", f"--field={field}").splitlines())
    name = re.compile(rf"gunicorn-{app}(?!{_PASSING})(?:[@.-].*)\.(?:service|socket|timer)|gunicorn-{app}\.service")
    return {unit for unit in known if name.fullmatch(unit) and "@." not in unit}


def _status(release: Release) -> int:
    try:
        version = release.record()["version"] or "no version"
        last = _last_switch(release)
    except (OSError, ValueError) as error:
        raise Failure(f"release {release.id} is not whole: {error}; run the playbook again") from error
    print(f"{release.app}: release {release.id} ({version}) is active{last}")
    web = f"gunicorn-{release.app}@{release.id}.service"
    rows = sorted(_rows(release.app), key=lambda row: (row[0] != web, row[0]))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  " + "  ".join(map(str.ljust, row, widths)).rstrip())
    return _ACTIVE if any(row[0] == web and row[1].startswith("active") for row in rows) else _INACTIVE


def _last_switch(release: Release) -> str:
    """Return since when it is active, and by whom, as far as that is known."""
    with open(f"{release.folder}/history.jsonl", encoding="utf-8") as file:
        events = [json.loads(line) for line in file]
    ours = [each for each in events if (each["event"], each["release"]) == ("serves", release.id)]
    return f" since {ours[-1]['time']}, by {ours[-1].get('by') or 'nobody said'}" if ours else ""


def _rows(app: str) -> Iterator[list[str]]:
    """Yield what each unit of the app does: its name, its state, since when, its processes and its memory."""
    asked = "Id,ActiveState,SubState,Result,ActiveEnterTimestamp,InactiveEnterTimestamp,ControlGroup,MemoryCurrent,NextElapseUSecRealtime"
    patterns = [f"gunicorn-{app}{rest}" for rest in ("@*.service", "-*.service", "-*.timer")]
    for block in _said("systemctl", "show", f"--property={asked}", *patterns).split("\n\n"):
        told = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        # Those that only start others have nothing to tell.
        if told and told["SubState"] != "exited":
            yield _row(told)


def _row(told: dict[str, str]) -> list[str]:
    runs = told["ActiveState"] in ("active", "activating", "deactivating")
    state = f"{told['ActiveState']} ({told['SubState']})"
    if not runs and told.get("Result", "success") != "success":
        state += f", {told['Result']}"
    since = told["ActiveEnterTimestamp" if runs else "InactiveEnterTimestamp"]
    if told["Id"].endswith(".timer"):
        return [told["Id"], state, f"next {told.get('NextElapseUSecRealtime') or 'never'}", "", ""]
    memory = told.get("MemoryCurrent", "")
    counted = memory.isdigit() and int(memory) < _NOT_COUNTED
    processes = _processes(told.get("ControlGroup", ""))
    return [
        told["Id"],
        state,
        f"since {since}" if since else "",
        f"{processes} process{'es' * (processes != 1)}" if processes else "",
        f"{int(memory) // _MIB} MiB" if counted and processes else "",
    ]


def _processes(group: str) -> int:
    """Return how many processes a control group has."""
    for tree in _GROUPS if group else ():
        try:
            with open(f"{tree}{group}/cgroup.procs", encoding="utf-8") as file:
                return len(file.read().split())
        except FileNotFoundError:
            continue
    return 0


def _said(*argv: str) -> str:
    done = subprocess.run(
        argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8", errors="replace", check=False
    )
    return done.stdout
