# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP over a unix socket. Private to the collection."""

from __future__ import annotations

import http.client
import socket


def get(path: str, url_path: str, host: str, timeout: float) -> tuple[int, str]:
    """Send one GET to the unix socket at `path`, as nginx would, and return its status and reason.

    `timeout` bounds each wait for the network in seconds. Raises OSError or http.client.HTTPException where
    nobody listens, or what comes back in time is no HTTP.
    """
    connection = _Connection(path, timeout)
    try:
        headers = {"Host": host, "User-Agent": "pyweb.stack", "X-Forwarded-Proto": "http", "Connection": "close"}
        connection.request("GET", url_path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.reason
    finally:
        connection.close()


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
