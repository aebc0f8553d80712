# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of an app's processes and jobs stays while releases come and go: their timers and starters. Private to the collection."""

from __future__ import annotations

import contextlib
import glob
import os
import re
from collections.abc import Mapping

from ansible_collections.pyweb.stack.plugins.module_utils._host import systemd
from ansible_collections.pyweb.stack.plugins.module_utils._release import unit_files
from ansible_collections.pyweb.stack.plugins.module_utils._release.companions import starter
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store
from ansible_collections.pyweb.stack.plugins.module_utils._serving.processes import Processes

# Where systemd notes when a timer was due the last time.
_STAMPS = "/var/lib/systemd/timers"


class Timers:
    """The timers and starters of the app in `store`, as the release wants them that serves."""

    def __init__(self, store: Store):
        self._store = store
        self._processes = Processes(store)

    def fault(self, release: str) -> str | None:
        """Return why they can't be installed, or None."""
        for name in self._wanted(release):
            there = systemd.unit_text(name)
            if there and not there.startswith(unit_files.MARK):
                return (
                    f"{os.path.join(systemd.UNIT_FOLDER, name)} was not made by this role: move it away, or give the process or "
                    "the job another name"
                )
        return None

    def look(self, release: str) -> tuple[str, ...]:
        """Return the names of those that are not as the release wants them: to be written, started or removed."""
        wanted = self._wanted(release)
        idle = [unit for unit in _installable(wanted) if not _runs(unit)]
        return tuple(sorted({*systemd.differing(wanted), *self._surplus(wanted), *idle}))

    def install(self, release: str) -> None:
        """Have those of the release, which serves, and no others."""
        wanted = self._wanted(release)
        surplus = self._surplus(wanted)
        if surplus:
            remove(surplus)
            systemd.require("daemon-reload")
        changed = systemd.install(wanted)
        for unit in _installable(wanted):
            if not _runs(unit):
                systemd.require("enable", "--quiet", "--now", unit)
            elif unit in changed and unit.endswith(".timer"):
                systemd.require("restart", unit)

    def _wanted(self, release: str) -> dict[str, str]:
        return self._processes.companions(release).standing(self._store.name, self._store.path)

    def _surplus(self, wanted: Mapping[str, str]) -> list[str]:
        """Return the unit files of those that are wanted no more."""
        return [name for name in units(self._store.name) if name not in wanted]


def units(app: str) -> list[str]:
    """Return the names of those of an app that are there."""
    names = [os.path.basename(path) for path in glob.glob(os.path.join(systemd.UNIT_FOLDER, f"gunicorn-{app}-*"))]
    timers = {name for name in names if name.endswith(".timer")}
    starters = {starter(app), *(re.sub(r"\.timer$", ".service", name) for name in timers)}
    return sorted(name for name in names if name in timers | starters and _is_ours(name))


def remove(names: list[str]) -> None:
    """Stop and remove these; a run of a job that goes on comes to its end."""
    standing = _installable({name: systemd.unit_text(name) for name in names})
    if standing:
        systemd.ctl("disable", "--quiet", "--now", *standing)
    systemd.remove(names)
    for name in names:
        # By it a job of the same name would be taken for one that was missed.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(_STAMPS, f"stamp-{name}"))


def _installable(texts: Mapping[str, str]) -> list[str]:
    return [name for name, text in texts.items() if "\n[Install]\n" in text]


def _runs(unit: str) -> bool:
    state = systemd.show(unit, "ActiveState", "UnitFileState")
    return state["ActiveState"] == "active" and state["UnitFileState"] == "enabled"


def _is_ours(name: str) -> bool:
    return systemd.unit_text(name).startswith(unit_files.MARK)
