# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The few things asked of systemd. Private to the collection."""

from __future__ import annotations

import glob
import json
import os
import re
import secrets
import time
from collections.abc import Iterable, Sequence

from ansible_collections.pyweb.stack.plugins.module_utils._host import command_line, files, scratch, shell
from ansible_collections.pyweb.stack.plugins.module_utils._host.shell import Done

UNIT_FOLDER = command_line.UNITS

# The exit statuses of a command that systemd could not even start (systemd.exec(5), "Process Exit Codes").
NOT_STARTED = range(200, 246)
# Seconds for an answer, and for a job: a stop takes as long as its unit says, so that one is for a systemd that hangs.
_ANSWER = 120
_JOB = 4000
# Seconds that a command's unit has beyond those of the command.
_MARGIN = 15


class SystemdError(Exception):
    """systemd refused; the message is what it said."""


def instance(app: str, release: str) -> str:
    """Return the name of a release's units, without their ending."""
    return f"gunicorn-{app}@{release}"


def files_of(app: str, release: str) -> list[str]:
    """Return the names of the unit files that belong to a release."""
    patterns = (f"{instance(app, release)}.*", f"gunicorn-{app}-*@{release}.service")
    found = [glob.glob(pattern, root_dir=UNIT_FOLDER) for pattern in patterns]
    return sorted(name for names in found for name in names)


def ctl(*arguments: str) -> Done:
    """Run `systemctl` and return what it said, whatever its exit status."""
    return _ask("systemctl", *arguments, seconds=_JOB)


def _ask(*argv: str, seconds: float) -> Done:
    # What asks systemd is systemd's own, and no code of an app.
    return shell.run(list(argv), identity=shell.CALLER, sandbox=None, seconds=seconds)


def require(*arguments: str) -> str:
    """Run `systemctl` and return what it printed. Raises SystemdError where it fails."""
    done = ctl(*arguments)
    if done.returncode:
        raise SystemdError(f"systemctl {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def active(unit: str) -> bool:
    """Say whether a unit runs."""
    return show(unit, "ActiveState")["ActiveState"] == "active"


def show(unit: str, *names: str) -> dict[str, str]:
    """Return the named properties of a unit. Raises SystemdError where systemd doesn't answer."""
    return show_all([unit], *names)[unit]


def show_all(units: Sequence[str], *names: str) -> dict[str, dict[str, str]]:
    """Return the named properties of each of these units, by one question. Raises SystemdError as `show` does."""
    blocks = require("show", *units, f"--property={','.join(names)}").strip().split("\n\n")
    return {
        unit: dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        for unit, block in zip(units, blocks, strict=True)
    }


def moments(unit: str, *names: str) -> dict[str, str | None]:
    """Return the named times of a unit, in UTC and ISO 8601; None for what never was, and for what will not be."""
    lines = require("show", "--timestamp=utc", unit, f"--property={','.join(names)}").splitlines()
    told = dict(line.split("=", 1) for line in lines if "=" in line)
    found = {name: re.fullmatch(r"\w+ (\S+) (\S+) UTC", told.get(name, "")) for name in names}
    return {name: f"{match[1]}T{match[2]}+00:00" if match else None for name, match in found.items()}


def verify(units: dict[str, str]) -> None:
    """Raise SystemdError with every error and warning that systemd has about unit files, texts by name."""
    with scratch.folder() as folder:
        for name, text in units.items():
            files.replace(os.path.join(folder, name), text)
        paths = [os.path.join(folder, name) for name in units]
        done = _ask("systemd-analyze", "verify", "--man=no", *paths, seconds=_ANSWER)
    about_ours = [line for line in done.stderr.splitlines() if "gunicorn-" in line]
    if done.returncode or about_ours:
        raise SystemdError("\n".join(about_ours) or done.stderr.strip())


def calendar(expression: str, times: int) -> list[str]:
    """Return the next so many times of a calendar expression, as systemd prints them; none where all are past.

    Raises SystemdError where it is none.
    """
    done = _ask("systemd-analyze", "calendar", f"--iterations={times}", "--", expression, seconds=_ANSWER)
    if done.returncode:
        raise SystemdError((done.stderr.strip() or done.stdout.strip()).splitlines()[0])
    found = re.findall(r"^ *(?:Next elapse|Iter(?:\.|ation) #\d+): (.*)", done.stdout, re.MULTILINE)
    return [time for time in found if time != "never"]


class Unit:
    """A transient service for one command: `properties` say as whom, and in which sandbox, that runs.

    `kind` begins its name, and `purpose` is its description in the journal.
    """

    def __init__(self, kind: str, purpose: str, properties: Sequence[tuple[str, str]]):
        self._name = f"{kind}-{secrets.token_hex(4)}.service"
        self._purpose = purpose
        self._properties = properties
        self._since = time.time()

    def command(self, argv: list[str], seconds: float) -> list[str]:
        """Return the command that runs `argv` in it, for no longer than so many seconds, and waits for its end."""
        # Whoever waits for it ends it before; this is for the case that they died.
        until = [("RuntimeMaxSec", f"{seconds + _MARGIN:.0f}"), ("TimeoutStopSec", "10")]
        return command_line.systemd_run(self._name, self._purpose, [*until, *self._properties], argv, "--pipe")

    def kill(self) -> None:
        """End at once all that runs in it."""
        ctl("kill", "--signal=KILL", self._name)

    def journal(self) -> str:
        """Return what the journal has of it."""
        return journal(self._name, self._since)


def run(app: str, properties: list[tuple[str, str]], argv: list[str], seconds: float, kind: str = "run") -> Done:
    """Run a command in a transient unit with these properties, wait for it and return what it printed.

    `kind` is a part of the unit's name. Raises shell.Overdue where it did not end in so many seconds.
    """
    unit = Unit(f"gunicorn-{app}-{kind}", f"A command of the app {app}", properties)
    done = shell.run(argv, identity=shell.CALLER, sandbox=unit, seconds=seconds)
    if done.returncode in NOT_STARTED:
        # Why systemd could not start it, only the journal knows.
        done.stderr += unit.journal()
    if done.returncode:
        note(app, done.stderr)
    return done


def note(app: str, text: str) -> None:
    """Keep in the journal what was said of an app, under the identifier `gunicorn-APP`."""
    cat = ["systemd-cat", f"--identifier=gunicorn-{app}"]
    shell.run(cat, identity=shell.CALLER, sandbox=None, seconds=_ANSWER, stdin=text)


def journal(unit: str, since: float, lines: int = 20) -> str:
    """Return the last lines that a unit wrote since a time (seconds since 1970)."""
    # It may be a moment behind what was written.
    _ask("journalctl", "--sync", seconds=_ANSWER)
    # Backwards, since together with a beginning systemd 252 takes the first lines for the last.
    # What systemd says of a process that it can't start is by that process, which may be gone before the journal has looked
    # up whose it was: it names the unit itself.
    which = [f"--since=@{since:.3f}", f"--lines={lines}", "--reverse", f"_SYSTEMD_UNIT={unit}", "+", f"UNIT={unit}"]
    said = _ask("journalctl", "--quiet", "--no-pager", "--output=cat", *which, seconds=_ANSWER).stdout
    return "".join(f"{line}\n" for line in reversed(said.splitlines()))


def loaded(*patterns: str) -> dict[str, str]:
    """Return the units whose names fit one of the patterns and that systemd has in memory, with the states they are in."""
    return {unit["unit"]: unit["active"] for unit in listed("--all", *patterns) if unit["load"] != "not-found"}


def listed(*asked: str) -> list[dict[str, str]]:
    """Return what `systemctl list-units` says of the units that are `asked` for, by its options and patterns of names."""
    found: list[dict[str, str]] = json.loads(
        ctl("list-units", "--plain", "--no-legend", "--output=json", *asked).stdout or "[]"
    )
    return found


def releases_of(units: Iterable[str], app: str) -> set[str]:
    """Return the releases of an app whose service or socket is among these units."""
    begin = instance(app, "")
    return {unit.removeprefix(begin).rsplit(".", 1)[0] for unit in units if unit.startswith(begin)}


def loaded_instances(app: str) -> set[str]:
    """Return the releases whose service or socket systemd has in memory, running or failed."""
    return releases_of(loaded(f"{instance(app, '')}*"), app)


def unit_of(pid: str) -> str | None:
    """Return the unit that a process is in, nothing where it is in none, and None where it has ended."""
    try:
        groups = files.read(f"/proc/{pid}/cgroup")
    except ProcessLookupError:
        return None
    # Of version 1, of both at once, and of version 2; in a container there may be one of the host's before.
    found = re.findall(r"^(?:\d+:name=systemd|0:):.*/([^/\n]+\.(?:service|scope))", groups, re.MULTILINE)
    return next(iter(found), "") if groups else None


def commands(app: str) -> list[str]:
    """Return the units of the app's commands (`run`) that have not ended."""
    if not os.path.isdir("/run/systemd/system"):
        return []
    units = listed("--state=activating,active,deactivating", f"gunicorn-{app}-run-*.service")
    return [unit["unit"] for unit in units]


def releases_at_work(app: str) -> set[str]:
    """Return the releases of which somebody's command has not ended, such as a shell."""
    if not os.path.isdir("/run/systemd/system"):
        return set()
    begin = f"gunicorn-{app}-command-"
    return {unit["unit"].removeprefix(begin).split("-")[0] for unit in listed(f"{begin}*.service")}


def unit_text(name: str) -> str:
    """Return the text of an installed unit file, nothing where there is none."""
    return files.read(os.path.join(UNIT_FOLDER, name))


def differing(units: dict[str, str]) -> list[str]:
    """Return the names of those unit files whose text is not the one given here."""
    return [name for name, text in units.items() if unit_text(name) != text]


def edited(units: dict[str, str]) -> list[dict[str, str]]:
    """Return how those unit files that are there differ from the texts given here, as Ansible shows it."""
    there = {name: unit_text(name) for name in differing(units)}
    return [files.diff(os.path.join(UNIT_FOLDER, name), text, units[name]) for name, text in there.items() if text]


def install(units: dict[str, str]) -> list[str]:
    """Write unit files by name, each by a rename, and have systemd read them. Returns the names that changed."""
    changed = differing(units)
    for name in changed:
        files.replace(os.path.join(UNIT_FOLDER, name), units[name])
    if changed:
        require("daemon-reload")
    return changed


def remove(names: list[str]) -> None:
    """Remove unit files by name."""
    for name in names:
        path = os.path.join(UNIT_FOLDER, name)
        if os.path.exists(path):
            os.unlink(path)
