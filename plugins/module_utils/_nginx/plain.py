# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an app wants of a site that speaks plain HTTP, and can't have. Private to the collection."""

from __future__ import annotations

import http.client
import urllib.parse

from ansible_collections.pyweb.stack.plugins.module_utils._text import urls

_REDIRECTS = (301, 302, 303, 307, 308)
# A page may lead to another one of the app, such as a login.
_MOST = 5
_SECONDS = 10
_TLS = "give nginx_site_tls, or, if a proxy in front speaks it, nginx_site_trusted_proxies"


def fault(host: str, path: str, port: int = 80) -> str | None:
    """Return what a visitor of http://HOST/PATH meets that only works over TLS, or None, also where nobody answers."""
    try:
        for _page in range(_MOST):
            status, location, cookies = _get(host, path, port)
            if cookies:
                return (
                    f"http://{host}{urls.shown(path)} sets {', '.join(cookies)} for https alone (Secure), and browsers keep no such cookie "
                    f"of a site that speaks plain HTTP, so forms and logins fail: {_TLS}, or have the app set it for both, in "
                    "Django by CSRF_COOKIE_SECURE and SESSION_COOKIE_SECURE"
                )
            if status not in _REDIRECTS:
                return None
            url = urllib.parse.urlsplit(urllib.parse.urljoin(f"http://{host}{path}", location))
            if (url.hostname or "").lower() != host.lower():
                return None
            if url.scheme == "https":
                return (
                    f"http://{host}{urls.shown(path)} leads visitors to https://{host}, which this site doesn't speak: {_TLS}, or have "
                    "the app not redirect, in Django by SECURE_SSL_REDIRECT"
                )
            path = urllib.parse.urlunsplit(("", "", url.path or "/", url.query, ""))
    except (OSError, http.client.HTTPException, ValueError):
        pass
    return None


def _get(host: str, path: str, port: int) -> tuple[int, str, list[str]]:
    """Return the status, where it leads, and the names of the cookies that are for https alone."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    try:
        connection.request("GET", path, headers={"Host": host, "User-Agent": "pyweb.stack", "Connection": "close"})
        answer = connection.getresponse()
        lines = [line.split(";") for line in answer.headers.get_all("Set-Cookie", [])]
        secure = [
            line[0].partition("=")[0].strip() for line in lines if "secure" in [one.strip().lower() for one in line]
        ]
        return answer.status, answer.headers.get("Location", ""), secure
    finally:
        connection.close()
