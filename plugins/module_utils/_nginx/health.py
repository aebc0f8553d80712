# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page by which a load balancer learns whether an app is well, whatever host it asks for. Private to the collection.

Load balancers ask by the address of the host, or without a name, by plain HTTP, and follow no redirect. The app is asked as
one of its own hosts, over HTTPS as it were.
"""

from __future__ import annotations

import dataclasses

from ansible_collections.pyweb.stack.plugins.module_utils._nginx.blocks import block

# As names of a server.
ADDRESSES = (r"~^[0-9.]+$", r"~^\[[0-9a-fA-F:.]+\]$")


@dataclasses.dataclass(frozen=True)
class Health:
    """The page `path` of the site named `id`, for which the app is asked as `host`."""

    id: str
    path: str
    host: str

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers that the app gets with it."""
        return {"Host": self.host, "X-Forwarded-Proto": "https"}

    def location(self, proxy: list[list[str]]) -> str:
        """Return its location, which asks the app as `proxy` says."""
        return block(
            f"location = {self.path}",
            ["# For load balancers, by whatever host they ask.", "auth_basic off;", "access_log off;"],
            *proxy,
            [block("limit_except GET", ["deny all;"])],
        )

    def admits(self, stranger: str, refused: str) -> str:
        """Return the map by which the variable `refused` is `stranger`, but for this page."""
        return block(f"map $uri {refused}", [f"{self.path} 0;", f"default {stranger};"])

    def server(self, where: list[str], tls: list[str], proxy: list[list[str]]) -> list[list[str]]:
        """Return the paragraphs of the server of those who ask by an address, which has nothing else for them."""
        # None at all is what HTTP/1.0 may say.
        names = " ".join(f'"{name}"' for name in ("", *ADDRESSES))
        listens = [line for line in where if not line.startswith("server_name ")]
        return [
            [*listens, f"server_name {names};"],
            tls,
            [self.location(proxy)],
            [block("location /", ["return 444;"])],
        ]
