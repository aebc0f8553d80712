# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file `/usr/local/bin/gunicorn-APP`, by which people run an app's commands on the server. Private to the collection."""

from __future__ import annotations

import inspect
import os

from ansible_collections.pyweb.stack.plugins.module_utils._host import command_line, files
from ansible_collections.pyweb.stack.plugins.module_utils._release import unit_files

FOLDER = "/usr/local/bin"


class HostCommand:
    """The command of the app `app`, whose folder is `folder`."""

    def __init__(self, app: str, folder: str):
        self.path = os.path.join(FOLDER, f"gunicorn-{app}")
        self.text = (
            f"#!/usr/bin/python3 -I\n{unit_files.MARK}: changes here are lost.\n"
            f"{inspect.getsource(command_line)}\n\nsys.exit(main({app!r}, {folder!r}, sys.argv[1:]))\n"
        )

    def fault(self) -> str | None:
        """Return why it can't be there, or None."""
        if not os.path.lexists(self.path) or unit_files.MARK in self._there():
            return None
        return f"{self.path} was not made by this role: move it away, or choose another gunicorn_name"

    def differs(self) -> bool:
        """Say whether install would change anything."""
        return self._there() != self.text or not os.access(self.path, os.X_OK)

    def edited(self) -> list[dict[str, str]]:
        """Return how it differs from what it is to be, as Ansible shows it, where it is there."""
        there = self._there()
        return [files.diff(self.path, there, self.text)] if there not in ("", self.text) else []

    def install(self) -> bool:
        """Write it. Says whether that changed anything."""
        if not self.differs():
            return False
        os.makedirs(FOLDER, exist_ok=True)
        files.replace(self.path, self.text, 0o755)
        return True

    def remove(self) -> None:
        """Remove it, if it is there and made by the role."""
        if self.ours():
            os.unlink(self.path)

    def ours(self) -> bool:
        """Say whether it is there and made by the role."""
        return unit_files.MARK in self._there()

    def _there(self) -> str:
        return files.read(self.path)
