# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site of one app as nginx reads it. Private to the collection."""

from __future__ import annotations

import dataclasses
import re

from ansible_collections.pyweb.stack.plugins.module_utils._nginx import acme, header_rules, json_log
from ansible_collections.pyweb.stack.plugins.module_utils._nginx.auth import OFF, Auth
from ansible_collections.pyweb.stack.plugins.module_utils._nginx.blocks import block
from ansible_collections.pyweb.stack.plugins.module_utils._nginx.edge import Edge, Limit
from ansible_collections.pyweb.stack.plugins.module_utils._nginx.health import Health
from ansible_collections.pyweb.stack.plugins.module_utils._nginx.locations import Locations
from ansible_collections.pyweb.stack.plugins.module_utils._nginx.media import Media

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
    # What one framework or another believes of a proxy, or of a CDN, which this one is not.
    **dict.fromkeys(
        (
            *("X-Forwarded-Prefix", "X-Forwarded-Server", "X-Forwarded-Scheme", "X-Forwarded-By", "X-Forwarded-Uri"),
            *("X-Forwarded-Method", "X-Forwarded-Path", "X-Forwarded", "Forwarded-For", "Front-End-Https"),
            *("X-Original-URL", "X-Original-Host", "X-Rewrite-URL", "X-Scheme", "X-Url-Scheme", "X-Host"),
            *("X-Client-IP", "X-Cluster-Client-IP", "X-ProxyUser-IP", "Client-IP", "True-Client-IP"),
            *("CF-Connecting-IP", "CF-Connecting-IPv6", "Fastly-Client-IP", "Fly-Client-IP", "X-Azure-ClientIP"),
            *("X-Script-Name", "Script-Name", "Path-Info"),
            *header_rules.IDENTITIES,
        ),
        "",
    ),
}
# Text that is worth it: nginx compresses HTML by itself.
_COMPRESSED = (
    "text/css text/plain text/javascript text/xml application/javascript application/json application/manifest+json "
    "application/xml application/rss+xml application/atom+xml application/wasm image/svg+xml"
)
# Those of Mozilla's intermediate profile that keep what was sent before from whoever steals the key.
_CIPHERS = ":".join(
    f"ECDHE-{key}-{cipher}"
    for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
    for key in ("ECDSA", "RSA")
)
_HSTS = {"subdomains": "includeSubDomains", "preload": "preload"}
# What a CA asks for to know that a name leads here, whoever runs certbot: it gets it from no app.
_CHALLENGE = f"root {acme.WEBROOT};", "default_type text/plain;", "try_files $uri =404;"
_CHALLENGES = f"location ^~ {acme.CHALLENGES}/"
_PATIENCE = [
    "# Who sends nothing holds a connection no longer than this.",
    "client_header_timeout 15s;",
    "client_body_timeout 30s;",
    "send_timeout 30s;",
    "reset_timedout_connection on;",
]
# What browsers insist on, and the lists of types on many a host lack.
TYPES = {
    "mjs": "text/javascript",
    "webmanifest": "application/manifest+json",
    "wasm": "application/wasm",
    "avif": "image/avif",
    "woff2": "font/woff2",
}


@dataclasses.dataclass(frozen=True)
class Tls:
    """How a site speaks TLS: the paths of its `certificate` and its `key`, and the `digest` of the former's content.

    That is None where what renews it has nginx take it up. `http2` says whether nginx has a directive of that name.
    """

    certificate: str
    key: str
    digest: str | None
    http2: bool


@dataclasses.dataclass(frozen=True)
class Site:
    """The site in front of `app`, whose folder is `folder` (`/srv/APP`).

    The app is reached at `address`, or over the socket of the active release where that is None. Without
    `server_names` it is the host's default site. `ipv6` says whether the host has IPv6. Without `tls` it speaks plain
    HTTP. `types` are those that the host's own list lacks, by the endings of files. One address has no more than `most`
    requests under way, and `brotli` says whether nginx can compress by that, too. Of all sites with HTTP/3 at an address one
    has its `reuseport`. The other fields are what the
    variables of the role nginx_site say, and have no fault.
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
    types: dict[str, str] = dataclasses.field(default_factory=dict)
    redirects: dict[str, str] = dataclasses.field(default_factory=dict)
    hsts: dict | None = None
    trusted_proxies: list[str] = dataclasses.field(default_factory=list)
    limits: list[dict] = dataclasses.field(default_factory=list)
    maintenance: dict = dataclasses.field(default_factory=dict)
    error_pages: dict[int, str] = dataclasses.field(default_factory=dict)
    access_log: dict | None = None
    extra: str | None = None
    media: Media | None = None
    auth: dict | None = None
    locations: list[str] = dataclasses.field(default_factory=list)
    fallback: str | None = None
    health: dict | None = None
    most: int = 0
    brotli: bool = False
    http3: bool = False
    reuseport: bool = True

    @property
    def mark(self) -> str:
        """Return the first line of the site, which says whose it is."""
        return f"{MARK} for the app {self.app}: changes here are lost."

    def text(self) -> str:
        """Return the site's configuration."""
        parts = [*self._maps(), *self._servers(), *self._redirects(), *self._by_address()]
        return "\n\n".join([self.mark, self._upstream(), *parts]) + "\n"

    def pages(self) -> dict[str, str | None]:
        """Return the site's other files below nginx's folder, texts by names; None for one that is not to be there."""
        return {**self.edge.files(), **self._auth.files()}

    @property
    def edge(self) -> Edge:
        """Return what the site does before a request gets to the app."""
        maintenance, pages = self.maintenance, {int(status): text for status, text in self.error_pages.items()}
        return Edge(
            self._id,
            self.folder,
            trusted_proxies=tuple(self.trusted_proxies),
            limits=tuple(Limit(**limit) for limit in self.limits),
            insiders=tuple(maintenance.get("allow", ())),
            retry_after=maintenance.get("retry_after", 300),
            most=self.most,
            pages={**pages, **({503: maintenance["page"]} if maintenance.get("page") else {})},
        )

    @property
    def _id(self) -> str:
        """Return the name by which nginx knows what is this site's alone."""
        return f"gunicorn_{self.app}"

    @property
    def _auth(self) -> Auth:
        return Auth(self._id, **({**self.auth, "paths": tuple(self.auth["paths"])} if self.auth else {}))

    @property
    def _health(self) -> Health | None:
        return Health(self._id, **self.health) if self.health else None

    @property
    def _prefixes(self) -> tuple[str, ...]:
        """Return the prefixes of the URLs that go to the app."""
        return tuple(self.locations) or (self.location,)

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
        return block(f"upstream {self._id}", server)

    def _maps(self) -> list[str]:
        maps = [
            # A websocket is the one upgrade that an app knows.
            block(f"map $http_upgrade ${self._id}_upgrade", ["websocket websocket;"]),
            # No worker need wait for another request over a connection that nginx uses for one alone.
            block(f"map $http_upgrade ${self._id}_connection", ["default close;", "websocket upgrade;"]),
        ]
        if self.cors_origins and self.cors_origins != ["*"]:
            # Not by the plain texts: from 47 characters on they are too long for nginx's hash tables.
            origins = [f'"~^{re.escape(origin)}$" $http_origin;' for origin in self.cors_origins]
            maps.append(block(f"map $http_origin ${self._id}_origin", origins))
        if self.server_names:
            names = [f"{name} 0;" for name in self.server_names]
            maps.append(block(f"map $host ${self._id}_stranger", ["hostnames;", "default 1;", *names]))
            if self._health:
                maps.append(self._health.admits(f"${self._id}_stranger", self._refused))
        if self.access_log:
            maps += json_log.directives(self._id)
        return [*maps, *self.edge.maps(), *(self.media.maps(self._id) if self.media else [])]

    def _servers(self) -> list[str]:
        if not self.tls:
            return [self._server(self._at("80"), [])]
        where = [*self._at("443", _tls_way(self.tls)), *self._quic()]
        return [self._redirect(), self._server(where, self._speak_tls(self.tls))]

    def _quic(self) -> list[str]:
        """Return where the site listens for HTTP/3."""
        how = f"quic{' reuseport' * self.reuseport}{' default_server' * (not self.server_names)}"
        listens = [f"listen 443 {how};", *[f"listen [::]:443 {how};"] * self.ipv6]
        return listens if self.http3 else []

    def _server(self, where: list[str], tls: list[str]) -> str:
        return _listening(
            [
                *where,
                *["absolute_redirect off;"] * ("/" not in self._prefixes),
                f"client_max_body_size {self.client_max_body_size};",
            ],
            [
                "gzip on;",
                "gzip_proxied any;",
                "gzip_vary on;",
                "gzip_min_length 1000;",
                f"gzip_types {_COMPRESSED};",
                *(["brotli on;", "brotli_min_length 1000;", f"brotli_types {_COMPRESSED};"] if self.brotli else []),
            ],
            tls,
            [f"root {self.root};", f"index {' '.join(self.index)};"] if self.root else [],
            self._guard(),
            *self.edge.server(*self._always),
            self._auth.server(),
            [f"access_log {self.access_log['path']} {self._id};"] if self.access_log else [],
            [*self._add_headers().values()],
            # Here and not where the app is asked, so that a location of the user's own that asks another one has them, too.
            *self._proxy(),
            ["# From nginx_site_extra.", *self.extra.strip().split("\n")] if self.extra else [],
            [self._challenges()] if not self.tls else [],
            [self._asked_for_health(self._health)] if self._health else [],
            *self._locations().text(),
            *self.edge.locations([OFF, *self._add_headers().values()]),
            [block("location @app", [self._to_app])],
        )

    @property
    def _always(self) -> list[str]:
        """Return the patterns of the URLs that are answered while the site is closed, too."""
        health = [re.escape(self._health.path)] if self._health else []
        return [*health, *[f"{re.escape(acme.CHALLENGES)}/.*"] * (not self.tls)]

    def _redirects(self) -> list[str]:
        """Return the servers of names that are not the site's own, and lead to it or elsewhere."""
        scheme = "https" if self.tls else self.edge.scheme
        found = []
        for host in sorted(set(self.redirects.values())):
            names = sorted(name for name, target in self.redirects.items() if target == host)
            found.append(self._leading_to(f"{scheme}://{host}", names=names))
            if self.tls:
                to = f"return 301 {scheme}://{host}$request_uri;"
                where = self._at("443", _tls_way(self.tls), names)
                found.append(_listening(where, self._speak_tls(self.tls), self._insist(), [to]))
        return found

    def _insist(self) -> list[str]:
        """Return the header by which browsers insist on TLS, if there is one."""
        named = {name: value for name, value in self._headers.items() if name.lower() == "strict-transport-security"}
        return [f"add_header {name} {header_rules.quoted(value)} always;" for name, value in named.items() if value]

    def _leading_to(self, place: str, *paragraphs: list[str], names: list[str] | None = None) -> str:
        """Return a server of plain HTTP that leads elsewhere, but for what a CA asks."""
        to = block("location /", [f"return 301 {place}$request_uri;"])
        return _listening(self._at("80", names=names), *paragraphs, [self._challenges()], [to])

    def _redirect(self) -> str:
        # These are for answers over TLS alone (RFC 6797, section 7.2; RFC 7838, section 2.1).
        secure = ("add_header strict-transport-security ", "add_header alt-svc ")
        headers = [line for line in self._add_headers().values() if not line.lower().startswith(secure)]
        asked = [self._asked_for_health(self._health)] if self._health else []
        return self._leading_to("https://$host", self._guard(), headers, asked)

    def _by_address(self) -> list[str]:
        """Return the server of those who ask for the health by an address; the default site gets them anyway."""
        if not self._health or not self.server_names:
            return []
        where, tls = self._at("80"), self._speak_tls(self.tls) if self.tls else []
        if self.tls:
            where += [line for line in self._at("443", _tls_way(self.tls)) if line.startswith("listen")]
        return [_listening(*self._health.server(where, tls, [[self._to_app], *self._proxy(self._health.headers)]))]

    def _asked_for_health(self, asked: Health) -> str:
        return asked.location([[self._to_app], *self._proxy(asked.headers)])

    def _challenges(self) -> str:
        return block(_CHALLENGES, [*_CHALLENGE, OFF])

    def _at(self, port: str, how: str = "", names: list[str] | None = None) -> list[str]:
        names = self.server_names if names is None else names
        how += "" if names else " default_server"
        return [
            f"listen {port}{how};",
            *[f"listen [::]:{port}{how};"] * self.ipv6,
            f"server_name {' '.join(names) or '_'};",
            "server_tokens off;",
        ]

    def _speak_tls(self, tls: Tls) -> list[str]:
        return [
            *["http2 on;"] * tls.http2,
            *(
                [
                    "# Of the certificate's file. A renewed one makes this another line, for which nginx is reloaded.",
                    f"# SHA-256 {tls.digest}",
                ]
                if tls.digest
                else []
            ),
            f"ssl_certificate {tls.certificate};",
            f"ssl_certificate_key {tls.key};",
            "ssl_protocols TLSv1.2 TLSv1.3;",
            "# With these, and without tickets, a key that is stolen opens nothing that was sent before.",
            f"ssl_ciphers {_CIPHERS};",
            "ssl_ecdh_curve X25519:prime256v1:secp384r1;",
            "ssl_session_tickets off;",
            f"ssl_session_cache shared:{self._id}:10m;",
            "ssl_session_timeout 1d;",
        ]

    @property
    def _refused(self) -> str:
        """Return the variable that says whether a request is for no host of the site."""
        return f"${self._id}_refused" if self._health else f"${self._id}_stranger"

    def _guard(self) -> list[str]:
        if not self.server_names:
            return []
        return [
            "# Where no site is the default one, nginx may bring every name here.",
            block(f"if ({self._refused})", ["return 444;"]),
        ]

    def _locations(self) -> Locations:
        return Locations(
            self._id,
            self.folder,
            prefixes=self._prefixes,
            root=self.root,
            types=self.types,
            headers=self._add_headers(),
            own=frozenset(name.lower() for name in self._headers),
            edge=self.edge,
            auth=self._auth,
            media=self.media,
            fallback=self.fallback,
            brotli=self.brotli,
            mounted=not self.locations,
        )

    def _add_headers(self) -> dict[str, str]:
        """Return the directives of the headers of every response, by their names."""
        headers = {name: value for name, value in self._headers.items() if value}
        if self.cors_origins == ["*"]:
            headers["Access-Control-Allow-Origin"] = "*"
        elif self.cors_origins:
            headers.update({"Access-Control-Allow-Origin": f"${self._id}_origin", "Vary": "Origin"})
        return {name: f"add_header {name} {header_rules.quoted(value)} always;" for name, value in headers.items()}

    @property
    def _headers(self) -> dict[str, str]:
        """Return the headers of every response, those of HSTS and HTTP/3 among them."""
        own = {"Alt-Svc": 'h3=":443"; ma=86400'} if self.http3 else {}
        if self.hsts:
            flags = "".join(f"; {word}" for key, word in _HSTS.items() if self.hsts.get(key))
            own["Strict-Transport-Security"] = f"max-age={self.hsts['max_age']}{flags}"
        return header_rules.over(own, self.headers)

    @property
    def _to_app(self) -> str:
        return f"proxy_pass http://{self._id};"

    def _proxy(self, fixed: dict[str, str] | None = None) -> list[list[str]]:
        """Return how the app is asked, with headers that are `fixed` whatever the variables say."""
        own = {**_PROXY_HEADERS, "X-Forwarded-Proto": self.edge.scheme}
        if self._auth.is_whole:
            # It was for nginx, and no account of the app's.
            own["Authorization"] = ""
        to_app = {**header_rules.over(own, self.proxy_headers), **(fixed or {})}
        to_app.update({"Upgrade": f"${self._id}_upgrade", "Connection": f"${self._id}_connection"})
        hidden = [*self._headers, *["Access-Control-Allow-Origin"] * bool(self.cors_origins)]
        return [
            [
                "proxy_http_version 1.1;",
                "proxy_redirect off;",
                "proxy_connect_timeout 5s;",
                "# gunicorn's own timeout decides how long a request may take.",
                "proxy_read_timeout 1h;",
                "proxy_next_upstream off;",
                "# As large as the headers that gunicorn takes: many cookies are no reason to fail.",
                "proxy_buffer_size 16k;",
                "proxy_buffers 8 16k;",
                "proxy_busy_buffers_size 32k;",
            ],
            [
                "# Set here, all of them, so that no client can send its own. For so many nginx has no room by itself.",
                "proxy_headers_hash_max_size 2048;",
                "proxy_headers_hash_bucket_size 128;",
                *[f"proxy_set_header {name} {header_rules.quoted(value)};" for name, value in to_app.items()],
            ],
            [f"proxy_hide_header {name};" for name in hidden],
        ]


def _listening(where: list[str], *paragraphs: list[str]) -> str:
    """Return a server of nginx's that listens `where`."""
    return block("server", where, _PATIENCE, *paragraphs)


def _tls_way(tls: Tls) -> str:
    """Return what `listen` says of a port with TLS."""
    return " ssl" if tls.http2 else " ssl http2"
