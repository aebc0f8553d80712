# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a site asks for a password, which nginx checks. Private to the collection."""

from __future__ import annotations

import dataclasses

# What a file below nginx's folder ends with that its workers may read, and other accounts not.
PRIVATE = ".users"
# What a location says that answers without a password, whoever asks for one in the server.
OFF = "auth_basic off;"


@dataclasses.dataclass(frozen=True)
class Auth:
    """Whom the site named `id` lets in below the URL prefixes `paths`: `users`, with the hashes of their passwords."""

    id: str
    realm: str = ""
    users: dict[str, str] = dataclasses.field(default_factory=dict)
    paths: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Say whether the whole site asks for a password."""
        return "/" in self.paths

    def files(self) -> dict[str, str | None]:
        """Return the file of the users, by its name below nginx's folder; None where there is to be none."""
        lines = "".join(f"{name}:{hashed}\n" for name, hashed in sorted(self.users.items()))
        return {self._file: lines or None}

    def server(self) -> list[str]:
        """Return what the server says, and its locations take over."""
        return self._asks() if self.is_whole else []

    def guards(self, path: str) -> list[str]:
        """Return what the location of the URL prefix `path` says, where the server doesn't."""
        return self._asks() if not self.is_whole and any(map(path.startswith, self.paths)) else []

    @property
    def _file(self) -> str:
        return f"{self.id.replace('_', '-', 1)}{PRIVATE}"

    def _asks(self) -> list[str]:
        return [f'auth_basic "{self.realm}";', f"auth_basic_user_file {self._file};"]
