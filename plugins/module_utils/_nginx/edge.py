# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a site does before a request gets to the app: who the visitor is, how much he may ask, and whether it is open.

Private to the collection.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re

from ansible_collections.pyweb.stack.plugins.module_utils._nginx.blocks import block

# There while the site is closed for maintenance, in the app's folder: nginx looks at each request, and needs no reload.
FLAG = "maintenance"
# Where load balancers and people of the house are, who share an address.
_NEAR = (
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "::1",
    "fc00::/7",
    "fe80::/10",
)
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>body{{font:1.2rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem}}</style>
<h1>{title}</h1><p>{text}</p></html>
"""
_CLOSED = _PAGE.format(
    title="Back soon", text="This site is closed for maintenance. Please try again in a few minutes."
)
_BROKEN = _PAGE.format(title="Out of order", text="This site can't answer at the moment. Please try again in a minute.")
# What there are pages for: 502 is that of 504 as well.
_STATUSES = (503, 502)


@dataclasses.dataclass(frozen=True)
class Limit:
    """How much one address may ask below the URL prefix `path`.

    `rate` is in requests a second or a minute (`10r/m`), of which `burst` may come at once; `connections` at a time. Either
    may be None.
    """

    path: str
    rate: str | None = None
    burst: int = 20
    connections: int | None = None


@dataclasses.dataclass(frozen=True)
class Edge:
    """What the site named `id` (`gunicorn_shop`) of the app in `folder` does before the app.

    `trusted_proxies` are the networks whose word on the visitor counts, `limits` what one address may ask. While the site is
    closed, the addresses in `insiders` still get in, and others are told to come again after `retry_after` seconds;
    `pages` are the user's own, by the status that they go with: 503 while it is closed, 502 where the app is gone. Of the
    requests that are under way, no address from elsewhere has more than `most`, where the limits say nothing of that.
    """

    id: str
    folder: str
    trusted_proxies: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    insiders: tuple[str, ...] = ()
    retry_after: int = 300
    pages: dict[int, str] = dataclasses.field(default_factory=dict)
    most: int = 0

    def files(self) -> dict[str, str]:
        """Return the pages that need nothing from the app, as files below nginx's folder by their names."""
        texts = {502: _BROKEN, 503: _CLOSED, **self.pages}
        return {self._file(status): text for status, text in texts.items()}

    @property
    def scheme(self) -> str:
        """Return the variable with the scheme that the visitor used."""
        return f"${self.id}_scheme" if self.trusted_proxies else "$scheme"

    def maps(self) -> list[str]:
        """Return what stands beside the servers."""
        zones = []
        for number, limit in enumerate(self.limits):
            if limit.rate:
                zones.append(f"limit_req_zone $binary_remote_addr zone={self._zone(number)}:1m rate={limit.rate};")
            if limit.connections:
                zones.append(f"limit_conn_zone $binary_remote_addr zone={self._zone(number)}_connections:1m;")
        found = ["\n".join(zones)] if zones else []
        if self._caps:
            found += [
                block(f"geo ${self.id}_near", ["default 0;", *(f"{each} 1;" for each in _NEAR)]),
                block(f"map ${self.id}_near ${self.id}_address", ["0 $binary_remote_addr;", 'default "";']),
                f"limit_conn_zone ${self.id}_address zone={self.id}_address:10m;",
            ]
        if self.insiders:
            found.append(block(f"geo ${self.id}_insider", ["default 0;", *(f"{each} 1;" for each in self.insiders)]))
        if self.trusted_proxies:
            proxies = [f"{each} 1;" for each in self.trusted_proxies]
            # The address of the connection, which nothing that is sent can change.
            found.append(block(f"geo $realip_remote_addr ${self.id}_trusted", ["default 0;", *proxies]))
            said = f'map "${self.id}_trusted:$http_x_forwarded_proto" ${self.id}_scheme'
            found.append(block(said, ["default $scheme;", '"1:https" https;', '"1:http" http;']))
        return found

    def server(self, *patterns: str) -> list[list[str]]:
        """Return the paragraphs of the server before its locations; what the `patterns` fit is always answered."""
        closed = f"${self.id}_closed"
        # nginx comes here again on the way to one of its own pages.
        always = "|".join([*(re.escape(self._url(status)) for status in _STATUSES), *patterns])
        insider = f"${self.id}_insider" if self.insiders else "0"
        return [
            [
                *(f"set_real_ip_from {each};" for each in self.trusted_proxies),
                *(["real_ip_header X-Forwarded-For;", "real_ip_recursive on;"] if self.trusted_proxies else []),
            ],
            [
                "# What answers whatever the site is, and whatever follows here.",
                block(rf'if ($uri ~ "^(?:{always})\z")', ["break;"]),
                "# Closed as long as that file is there.",
                f"set {closed} 0;",
                block(f"if (-f {self.folder}/{FLAG})", [f'set {closed} "closed{insider}";']),
                block(f"if ({closed} = closed0)", ["return 503;"]),
                f"error_page 503 {self._url(503)};",
                f"error_page 502 504 {self._url(502)};",
            ],
            self.limited("/"),
            [
                "# No single client holds all of nginx; nginx_site_limits of connections for / takes its place.",
                f"limit_conn {self.id}_address {self.most};",
                "limit_conn_status 429;",
            ]
            if self._caps
            else [],
        ]

    def locations(self, headers: list[str]) -> list[list[str]]:
        """Return the locations of the pages that need nothing from the app, which have the site's `headers` too."""
        again = [f"add_header Retry-After {self.retry_after} always;", "add_header Cache-Control no-store always;"]
        whatever = [
            "# Gone to by its URL, as by a name nginx would answer GET alone; whatever was sent along.",
            "internal;",
            "client_max_body_size 0;",
            "root /etc/nginx;",
        ]
        return [[block(f"location = {self._url(status)}", [*whatever, *again, *headers])] for status in _STATUSES]

    def limited(self, path: str) -> list[str]:
        """Return the limits of a location of the URL prefix `path`: those of the longest prefix that fits."""
        lines = []
        of = max((limit.path for limit in self.limits if path.startswith(limit.path)), key=len, default=None)
        for number, limit in enumerate(self.limits if of != "/" or path == "/" else ()):
            if limit.path == of and limit.rate:
                lines += [f"limit_req zone={self._zone(number)} burst={limit.burst} nodelay;", "limit_req_status 429;"]
            if limit.path == of and limit.connections:
                lines += [f"limit_conn {self._zone(number)}_connections {limit.connections};", "limit_conn_status 429;"]
        return lines

    def is_closed(self) -> bool:
        """Say whether the site is closed for maintenance."""
        return os.path.exists(os.path.join(self.folder, FLAG))

    def close(self, closed: bool) -> None:
        """Close the site for maintenance, or open it again: for the next request, without a reload."""
        path = os.path.join(self.folder, FLAG)
        if closed:
            with open(path, "a", encoding="utf-8"):
                pass
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    @property
    def _caps(self) -> bool:
        return bool(self.most) and not any(limit.path == "/" and limit.connections for limit in self.limits)

    def _zone(self, number: int) -> str:
        return f"{self.id}_limit_{number}"

    def _url(self, status: int) -> str:
        return f"/{self._file(status)}"

    def _file(self, status: int) -> str:
        return f"{self.id.replace('_', '-', 1)}-{status}.html"
