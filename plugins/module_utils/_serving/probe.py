# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP over a unix socket. Private to the collection."""

from __future__ import annotations

import http.client
import secrets
import socket
import urllib.parse
from collections.abc import Mapping
from typing import NamedTuple

_REDIRECTS = (301, 302, 303, 307, 308)


class Answer(NamedTuple):
    """What came back: its `status` and `reason`, the `location` of a redirect, and the cookies that it sets."""

    status: int
    reason: str
    location: str = ""
    cookies: Mapping[str, str] = {}


def get(
    path: str,
    url_path: str,
    host: str,
    timeout: float,
    scheme: str = "http",
    cookies: Mapping[str, str] | None = None,
    prefix: str = "",
) -> Answer:
    """Send one GET to the unix socket at `path`, as nginx would for a visitor on this host, and return the answer.

    `scheme` is what the visitor speaks, `prefix` where the app is told that it is mounted; `timeout` bounds each wait for the
    network in seconds. Raises OSError or http.client.HTTPException where nobody listens, or what comes back in time is no HTTP.
    """
    headers = {
        "Host": host,
        "X-Real-IP": "127.0.0.1",
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Proto": scheme,
        "X-Request-ID": secrets.token_hex(16),
        "User-Agent": "pyweb.stack",
        "Accept": "*/*",
        "Connection": "close",
    }
    if cookies:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    if prefix:
        headers["SCRIPT_NAME"] = prefix
    connection = _Connection(path, timeout)
    try:
        connection.request("GET", _quoted(url_path), headers=headers)
        answer = connection.getresponse()
        location = answer.headers.get("Location", "") if answer.status in _REDIRECTS else ""
        return Answer(answer.status, answer.reason, location, _cookies(answer.headers.get_all("Set-Cookie", [])))
    finally:
        connection.close()


def _quoted(url_path: str) -> str:
    """Return what an app put into a header, of which each character stands for a byte, as a browser asks for it."""
    return urllib.parse.quote(url_path.encode("latin-1", "ignore"), safe="/?%:@!$&'()*+,;=~")


def _cookies(lines: list[str]) -> dict[str, str]:
    """Return the names and values of cookies as they are to be sent back."""
    pairs = (line.partition(";")[0].partition("=") for line in lines)
    return {name.strip(): value.strip() for name, _equals, value in pairs if name.strip()}


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
