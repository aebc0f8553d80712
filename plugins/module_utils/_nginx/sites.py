# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site of one app as nginx reads it. Private to the collection."""

from __future__ import annotations

import dataclasses
import re

from ansible_collections.pyweb.stack.plugins.module_utils._nginx import header_rules

MARK = "# Made by pyweb.stack"

# What an app may believe. Where a client could send one of these itself, nginx overwrites or removes it.
_PROXY_HEADERS = {
    "Host": "$host",
    "X-Real-IP": "$remote_addr",
    "X-Forwarded-For": "$remote_addr",
    "X-Forwarded-Proto": "$scheme",
    "X-Request-ID": "$request_id",
    "X-Forwarded-Host": "",
    "X-Forwarded-Port": "",
    "X-Forwarded-Protocol": "",
    "X-Forwarded-Ssl": "",
    "X-Scheme": "",
    "Forwarded": "",
    "Proxy": "",
    "SCRIPT_NAME": "",
    "PATH_INFO": "",
}


@dataclasses.dataclass(frozen=True)
class Tls:
    """How a site speaks TLS: the paths of its `certificate` and its `key`, and the `digest` of the former's content.

    `http2` says whether nginx has a directive of that name.
    """

    certificate: str
    key: str
    digest: str
    http2: bool


@dataclasses.dataclass(frozen=True)
class Site:
    """The site in front of `app`, whose folder is `folder` (`/srv/APP`).

    The app is reached at `address`, or over the socket of the release that serves where that is None. Without
    `server_names` it is the host's default site. `ipv6` says whether the host has IPv6. Without `tls` it speaks plain
    HTTP. The other fields are what the variables of the role nginx_site say, and have no fault.
    """

    app: str
    folder: str
    address: str | None
    ipv6: bool
    server_names: list[str]
    client_max_body_size: str
    location: str
    root: str | None
    index: list[str]
    headers: dict[str, str]
    proxy_headers: dict[str, str]
    cors_origins: list[str]
    tls: Tls | None = None

    @property
    def mark(self) -> str:
        """Return the first line of the site, which says whose it is."""
        return f"{MARK} for the app {self.app}: changes here are lost."

    def text(self) -> str:
        """Return the site's configuration."""
        return "\n\n".join([self.mark, self._upstream(), *self._maps(), *self._servers()]) + "\n"

    @property
    def _id(self) -> str:
        """Return the name by which nginx knows what is this site's alone."""
        return f"gunicorn_{self.app}"

    def _upstream(self) -> str:
        if self.address:
            server = [
                "# The address of gunicorn_bind; behind it is the release that serves.",
                f"server {self.address};",
            ]
        else:
            server = [
                "# The socket of the release that serves. A switch renames `current`; nginx needs no reload for it.",
                f"server unix:{self.folder}/current/app.sock;",
            ]
        return _block(f"upstream {self._id}", server)

    def _maps(self) -> list[str]:
        maps = [
            _block(
                f"map $uri ${self._id}_cache",
                [
                    'default "public, max-age=0, must-revalidate";',
                    "# Named by their content, as Django's manifest storage does: these never change.",
                    r'"~\.[0-9a-f]{12}\.[A-Za-z0-9]+$" "public, max-age=31536000, immutable";',
                ],
            ),
            # A websocket is the one upgrade that an app knows.
            _block(f"map $http_upgrade ${self._id}_upgrade", ["websocket websocket;"]),
            _block(f"map $http_upgrade ${self._id}_connection", ["websocket upgrade;"]),
        ]
        if self.cors_origins and self.cors_origins != ["*"]:
            # Not by the plain texts: from 47 characters on they are too long for nginx's hash tables.
            origins = [f'"~^{re.escape(origin)}$" $http_origin;' for origin in self.cors_origins]
            maps.append(_block(f"map $http_origin ${self._id}_origin", origins))
        if self.server_names:
            names = [f"{name} 0;" for name in self.server_names]
            maps.append(_block(f"map $host ${self._id}_stranger", ["hostnames;", "default 1;", *names]))
        return maps

    def _servers(self) -> list[str]:
        if not self.tls:
            return [self._server(self._at("80"), [])]
        how = " ssl" if self.tls.http2 else " ssl http2"
        return [self._redirect(), self._server(self._at("443", how), self._speak_tls(self.tls))]

    def _server(self, where: list[str], tls: list[str]) -> str:
        return _block(
            "server",
            [
                *where,
                *["absolute_redirect off;"] * (self.location != "/"),
                f"client_max_body_size {self.client_max_body_size};",
            ],
            tls,
            [f"root {self.root};", f"index {' '.join(self.index)};"] if self.root else [],
            self._guard(),
            self._add_headers(),
            *self._locations(),
            [_block("location @app", *self._proxy())],
        )

    def _redirect(self) -> str:
        # That one is for answers over TLS alone (RFC 6797, section 7.2).
        security = "add_header strict-transport-security "
        headers = [line for line in self._add_headers() if not line.lower().startswith(security)]
        return _block("server", self._at("80"), self._guard(), headers, ["return 301 https://$host$request_uri;"])

    def _at(self, port: str, how: str = "") -> list[str]:
        how += "" if self.server_names else " default_server"
        return [
            f"listen {port}{how};",
            *[f"listen [::]:{port}{how};"] * self.ipv6,
            f"server_name {' '.join(self.server_names) or '_'};",
            "server_tokens off;",
        ]

    def _speak_tls(self, tls: Tls) -> list[str]:
        return [
            *["http2 on;"] * tls.http2,
            "# Of the certificate's file. A renewed one makes this another line, for which nginx is reloaded.",
            f"# SHA-256 {tls.digest}",
            f"ssl_certificate {tls.certificate};",
            f"ssl_certificate_key {tls.key};",
            "ssl_protocols TLSv1.2 TLSv1.3;",
            "# With these, and without tickets, a key that is stolen opens nothing that was sent before.",
            "ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;",
            "ssl_session_tickets off;",
            f"ssl_session_cache shared:{self._id}:10m;",
            "ssl_session_timeout 1d;",
        ]

    def _guard(self) -> list[str]:
        if not self.server_names:
            return []
        return [
            "# Where no site is the default one, nginx may bring every name here.",
            _block(f"if (${self._id}_stranger)", ["return 444;"]),
        ]

    def _add_headers(self) -> list[str]:
        headers = {name: value for name, value in self.headers.items() if value}
        if self.cors_origins == ["*"]:
            headers["Access-Control-Allow-Origin"] = "*"
        elif self.cors_origins:
            headers.update({"Access-Control-Allow-Origin": f"${self._id}_origin", "Vary": "Origin"})
        return [f"add_header {name} {header_rules.quoted(value)} always;" for name, value in headers.items()]

    def _locations(self) -> list[list[str]]:
        whole = self.location == "/"
        rest = "@rest" if self.root else "=404"
        own = {"Cache-Control": f"${self._id}_cache;", "X-Content-Type-Options": "nosniff always;"}
        given = {name.lower() for name in self.headers}
        static = [
            "# The static files of a release lie below this folder as their URLs below the host, and switch with it.",
            f"root {self.folder}/current/static;",
            f"try_files $uri {'@app' if whole else rest};",
            *[f"add_header {name} {value}" for name, value in own.items() if name.lower() not in given],
            # nginx passes the server's down to those locations alone that add none.
            *self._add_headers(),
        ]
        if whole:
            return [[_block("location /", static)]]
        prefix = self.location.rstrip("/")
        return [
            [_block("location /", static, [_block(f"location {self.location}", ["try_files $uri @app;"])])],
            [_block(f"location = {prefix}", [f"return 301 {self.location}$is_args$args;"])],
            [_block("location @rest", ["# What lies below the root of the server."])] if self.root else [],
        ]

    def _proxy(self) -> list[list[str]]:
        to_app = header_rules.over(_PROXY_HEADERS, self.proxy_headers)
        to_app.update({"Upgrade": f"${self._id}_upgrade", "Connection": f"${self._id}_connection"})
        hidden = [*self.headers, *["Access-Control-Allow-Origin"] * bool(self.cors_origins)]
        return [
            [
                f"proxy_pass http://{self._id};",
                "proxy_http_version 1.1;",
                "proxy_redirect off;",
                "proxy_connect_timeout 5s;",
                "# gunicorn's own timeout decides how long a request may take.",
                "proxy_read_timeout 1h;",
                "proxy_next_upstream off;",
            ],
            [
                "# Set here, all of them, so that no client can send its own.",
                *[f"proxy_set_header {name} {header_rules.quoted(value)};" for name, value in to_app.items()],
            ],
            [f"proxy_hide_header {name};" for name in hidden],
        ]


def _block(head: str, *paragraphs: list[str]) -> str:
    """Return a block of nginx's; between its paragraphs is an empty line."""
    lines = "\n\n".join("\n".join(lines) for lines in paragraphs if lines).splitlines()
    return "\n".join([f"{head} {{", *[line and f"    {line}" for line in lines], "}"])
