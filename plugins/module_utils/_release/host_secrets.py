# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of an app that are made once, on its host, and never leave it. Private to the collection."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable

from ansible_collections.pyweb.stack.plugins.module_utils._host import files
from ansible_collections.pyweb.stack.plugins.module_utils._release import env_file

# Beside the app's state, which outlives it as well, and not in it, where the app could put something else in its place.
FOLDER = "/var/lib"
# Bytes of chance in each: 64 characters.
_BYTES = 48


class HostSecrets:
    """The variables of the environment of `app` that its host makes up, `names` of them."""

    def __init__(self, app: str, names: Iterable[str] = ()):
        self.path = os.path.join(FOLDER, f"gunicorn-{app}.secrets")
        wanted = list(dict.fromkeys(names))
        there = env_file.parse(files.read(self.path))
        self.missing = [name for name in wanted if name not in there]
        self._all = {**there, **{name: secrets.token_urlsafe(_BYTES) for name in self.missing}}
        self.values = {name: self._all[name] for name in wanted}

    def diff(self) -> list[dict[str, str]]:
        """Return what keep would change, as Ansible shows it."""
        made = "".join(f"{name}=(hidden)\n" for name in self.missing)
        return [files.diff(self.path, "", made)] if made else []

    def messages(self) -> list[str]:
        """Return what people should know of those that were missing."""
        made = ", ".join(self.missing)
        return [f"{made}: the host's own, made up once and kept in {self.path} alone"] if made else []

    def keep(self) -> None:
        """Write those that were missing, for root alone."""
        if self.missing:
            files.replace(self.path, env_file.render(self._all), 0o600)

    def remove(self) -> None:
        """Remove all of the app's."""
        if os.path.exists(self.path):
            os.unlink(self.path)
