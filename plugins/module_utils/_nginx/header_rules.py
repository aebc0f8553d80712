# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The headers that a site adds to requests and responses: which it may, and how nginx writes them.

Private to the collection.
"""

from __future__ import annotations

import re
from typing import Any

# None of these can hold a line break. Others can: nginx decodes %0A in $uri, and base64 in $remote_user.
VARIABLES = (
    *("host", "http_host", "hostname", "server_name", "server_addr", "server_port", "scheme", "https"),
    *("remote_addr", "remote_port", "proxy_add_x_forwarded_for", "request_id", "request_uri", "msec"),
    *("http_x_forwarded_for", "http_x_forwarded_host", "http_x_forwarded_port", "http_x_forwarded_proto"),
    *("http_x_real_ip", "http_x_request_id", "ssl_client_verify", "ssl_client_s_dn"),
)
# By which a proxy that logs people in, or asks them for a certificate, says who somebody is.
IDENTITIES = (
    *(f"X-Forwarded-{what}" for what in ("User", "Email", "Groups", "Preferred-Username", "Access-Token")),
    *(f"X-Auth-Request-{what}" for what in ("User", "Email", "Groups", "Preferred-Username", "Access-Token")),
    *(
        "Remote-User",
        "Remote-Email",
        "Remote-Groups",
        "Remote-Name",
        "X-Remote-User",
        "X-Remote-Group",
        "X-WebAuth-User",
    ),
    *(f"X-Authentik-{what}" for what in ("Username", "Email", "Groups", "Name", "Uid")),
    *("Tailscale-User-Login", "Tailscale-User-Name", "Cf-Access-Authenticated-User-Email"),
    *("X-Goog-Authenticated-User-Email", "X-Goog-Authenticated-User-Id", "X-Amzn-Oidc-Identity", "X-Amzn-Oidc-Data"),
    *(
        f"X-SSL-Client-{what}"
        for what in ("Verify", "Cert", "DN", "CN", "S-DN", "I-DN", "Serial", "Fingerprint", "SHA1")
    ),
    *("SSL-Client-Verify", "SSL-Client-Cert", "X-Client-Cert", "X-Client-Verify", "X-Client-DN"),
    *("X-Forwarded-Client-Cert", "X-Forwarded-Tls-Client-Cert", "X-Forwarded-Tls-Client-Cert-Info"),
)
_OF_IDENTITIES = {f"http_{name.lower().replace('-', '_')}" for name in IDENTITIES}
# nginx reads its configuration by 4096 bytes, and no word may be longer.
_LONGEST = 4000
_VARIABLE = re.compile(r"\$(?:\{(\w*)\}|(\w*))", re.ASCII)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")

_OF_THE_CONNECTION = {
    *("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"),
    *("content-length", "expect"),
}
# nginx would write them a second time, or those of the app would be lost.
_OF_THE_RESPONSE = {
    *("accept-ranges", "content-encoding", "content-range", "content-type", "date", "etag", "last-modified"),
    *("location", "server", "set-cookie", "vary"),
}


def request_fault(name: object, value: object) -> str | None:
    """Return why nginx can't send this header to the app, or None."""
    return _fault(name, value, _OF_THE_CONNECTION)


def response_fault(name: object, value: object) -> str | None:
    """Return why nginx can't send this header to the visitor, or None."""
    if str(name).lower() == "access-control-allow-origin":
        return f"has the header {name}, but origins are listed in nginx_site_cors_origins"
    return _fault(name, value, _OF_THE_CONNECTION | _OF_THE_RESPONSE)


def over(defaults: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return `defaults` with `given` over them, whatever the case of their names."""
    names = {name.lower(): name for name in defaults}
    return {**defaults, **{names.get(name.lower(), name): value for name, value in given.items()}}


def quoted(value: str) -> str:
    """Return a value as one word of nginx's configuration."""
    if re.fullmatch(r"[\w$.:/*-]+", value, re.ASCII):
        return value
    quote = "'" if '"' in value and "'" not in value else '"'
    return quote + re.sub(rf"[\\{quote}]", r"\\\g<0>", value) + quote


def _fault(name: object, value: object, fixed: set[str]) -> str | None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return f"has the header {name!r}, but the name of a header is letters, digits, '-' and '_', a letter first"
    if name.lower() in fixed:
        return f"has the header {name}, but that one stays as nginx and the app write it: leave it out"
    if not isinstance(value, str):
        return f"has {value!r} for {name}, but a header holds text: put the value in quotes"
    unprintable = re.search(r"[^\x20-\x7e]", value)
    if unprintable:
        return f"has {unprintable[0]!r} in {name}, but a header holds printable ASCII characters only"
    if len(name) + len(quoted(value)) > _LONGEST:
        return f"has {len(value)} characters for {name}, but nginx can read at most some {_LONGEST}: shorten it"
    for match in _VARIABLE.finditer(value):
        if (match[1] or match[2]) not in {*VARIABLES, *_OF_IDENTITIES}:
            known = " ".join(f"${name}" for name in VARIABLES)
            return (
                f"has {match[0]!r} in {name}, but of nginx's variables a header may hold only {known}, and by which a proxy says "
                "who somebody is, such as $http_x_forwarded_user"
            )
    return None
