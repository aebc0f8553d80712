# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release does once, right before it takes over: to a database, for instance. Private to the collection."""

from __future__ import annotations

import contextlib
import json
import os
import time

from ansible_collections.pyweb.stack.plugins.module_utils._host import command_line, files, remedies, shell
from ansible_collections.pyweb.stack.plugins.module_utils._release import applied, commands, releases
from ansible_collections.pyweb.stack.plugins.module_utils._release.history import now
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store

# Some rewrite whole tables.
_SECONDS = 6 * 3600
# In the folder of a release, a line of JSON for each of its commands that is done.
_RECORD = "once.jsonl"


class StepError(Exception):
    """A command failed; the message names gunicorn_before_switch, the command and what it said."""


def forget(store: Store) -> None:
    """Have each release do its commands again: what they made is gone, as after a backup was brought back."""
    for name in store.names("releases"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(store.item("releases", name), _RECORD))


class Once:
    """The commands `wanted` of the release `name` in `store`, which are the same for as long as there is that release."""

    def __init__(self, store: Store, name: str, wanted: list[list[str]]):
        self._store = store
        self._name = name
        self._wanted = wanted
        self._record = os.path.join(store.item("releases", name), _RECORD)

    def pending(self) -> list[list[str]]:
        """Return the commands that are not done yet, in their order."""
        return self._wanted[len(files.read(self._record).splitlines()) :]

    def do(self) -> None:
        """Do what is pending, each as the release's account in its sandbox, and note each that is done. Raises StepError."""
        for command in self.pending():
            began = time.monotonic()
            self._run(command)
            line = json.dumps({"time": now(), "seconds": round(time.monotonic() - began, 1)})
            # For root alone: what others may read of a release, the next run gives to the app's account, and starts that anew.
            files.replace(self._record, f"{files.read(self._record)}{line}\n", 0o600)
            applied.command(self._store, self._name, command)

    def _run(self, command: list[str]) -> None:
        folder = self._store.item("releases", self._name)
        workdir = dict(self._store.installed(self._name).properties())["WorkingDirectory"]
        fault = commands.absent(command, os.path.join(folder, "venv"), workdir)
        if fault:
            raise StepError(f"gunicorn_before_switch {fault}")
        named = f"gunicorn_before_switch: {commands.shown(command)}"
        try:
            argv = command_line.faithful(commands.argv(command, folder))
            done = releases.run_as(self._store, self._name, argv, _SECONDS)
        except shell.Overdue as error:
            raise StepError(f"{named} did not end within {_SECONDS} s") from error
        if done.returncode:
            said = remedies.explain(done.stderr.strip() or done.stdout.strip(), workdir) or "It said nothing."
            raise StepError(
                f"{named} failed with exit status {done.returncode}, and what it did till then stays done:\n{said}"
            )
