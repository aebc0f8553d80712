# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The few things asked of systemd. Private to the collection."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
import time

from ansible_collections.pyweb.stack.plugins.module_utils._host import files, shell
from ansible_collections.pyweb.stack.plugins.module_utils._host.shell import Done

UNIT_FOLDER = "/etc/systemd/system"

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
# The exit statuses of a command that systemd could not even start (systemd.exec(5), "Process Exit Codes").
NOT_STARTED = range(200, 246)


class SystemdError(Exception):
    """systemd refused; the message is what it said."""


def instance(app: str, release: str) -> str:
    """Return the name of a release's units, without their ending."""
    return f"gunicorn-{app}@{release}"


def ctl(*arguments: str) -> Done:
    """Run `systemctl` and return what it said, whatever its exit status."""
    return shell.run(["systemctl", *arguments])


def require(*arguments: str) -> None:
    """Run `systemctl` and raise SystemdError where it fails."""
    done = ctl(*arguments)
    if done.returncode:
        raise SystemdError(f"systemctl {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")


def active(unit: str) -> bool:
    """Say whether a unit runs."""
    return show(unit, "ActiveState")["ActiveState"] == "active"


def show(unit: str, *names: str) -> dict[str, str]:
    """Return the named properties of a unit."""
    lines = ctl("show", unit, f"--property={','.join(names)}").stdout.splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def verify(units: dict[str, str]) -> None:
    """Raise SystemdError with every error and warning that systemd has about unit files, texts by name."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in units.items():
            files.replace(os.path.join(folder, name), text)
        paths = [os.path.join(folder, name) for name in units]
        done = shell.run(["systemd-analyze", "verify", "--man=no", *paths])
    about_ours = [line for line in done.stderr.splitlines() if "gunicorn-" in line]
    if done.returncode or about_ours:
        raise SystemdError("\n".join(about_ours) or done.stderr.strip())


def run(app: str, properties: list[tuple[str, str]], argv: list[str]) -> Done:
    """Run a command in a transient unit with these properties, wait for it and return what it printed."""
    unit, since = f"gunicorn-{app}-run-{secrets.token_hex(4)}.service", time.time()
    options = ["--quiet", "--wait", "--pipe", "--collect", f"--unit={unit}"]
    # By default that is the command, a whole script, in every line of the journal about it.
    options += [f"--description=A command of the app {app}"]
    options += [f"--property={key}={value}" for key, value in properties]
    done = shell.run(["systemd-run", *options, "--", *argv])
    if done.returncode in NOT_STARTED:
        # Why systemd could not start it, only the journal knows.
        done.stderr += journal(unit, since)
    return done


def journal(unit: str, since: float, lines: int = 20) -> str:
    """Return the last lines that a unit wrote since a time (seconds since 1970)."""
    # It may be a moment behind what was written.
    shell.run(["journalctl", "--sync"])
    # Backwards, since together with a beginning systemd 252 takes the first lines for the last.
    which = [f"--unit={unit}", f"--since=@{since:.3f}", f"--lines={lines}", "--reverse"]
    said = shell.run(["journalctl", "--quiet", "--no-pager", "--output=cat", *which]).stdout
    return "".join(f"{line}\n" for line in reversed(said.splitlines()))


def properties_for_commands(unit: str, release: str) -> list[tuple[str, str]]:
    """Return what a service's installed unit file says that also holds for commands run beside it."""
    with open(os.path.join(UNIT_FOLDER, unit), encoding="utf-8") as file:
        service = file.read().split("[Service]\n", 1)[1]
    lines = [tuple(line.split("=", 1)) for line in service.splitlines()]
    return [(key, value.replace("%i", release)) for key, value in lines if key not in _OF_THE_SERVICE_ALONE]


def loaded_instances(app: str) -> set[str]:
    """Return the releases whose service or socket systemd has in memory, running or failed."""
    listed = ctl("list-units", "--all", "--plain", "--no-legend", "--output=json", f"gunicorn-{app}@*").stdout
    units = json.loads(listed or "[]")
    return {unit["unit"].split("@", 1)[1].rsplit(".", 1)[0] for unit in units if unit["load"] != "not-found"}


def commands(app: str) -> list[str]:
    """Return the units of the app's commands (`run`) that have not ended."""
    if not os.path.isdir("/run/systemd/system"):
        return []
    states = "--state=activating,active,deactivating"
    listed = ctl(
        "list-units", "--plain", "--no-legend", "--output=json", states, f"gunicorn-{app}-run-*.service"
    ).stdout
    return [unit["unit"] for unit in json.loads(listed or "[]")]


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
