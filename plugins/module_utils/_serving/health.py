# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an app must answer before it becomes active, and how it is asked: as a visitor with a browser. Private to the collection.

A redirect alone says nothing of the app. One to its own host is followed, from http to https too, with what nginx would
say then; what counts is the page at its end.
"""

from __future__ import annotations

import dataclasses
import http
import http.client
import threading
import time
import urllib.parse

from ansible_collections.pyweb.stack.plugins.module_utils._serving import probe
from ansible_collections.pyweb.stack.plugins.module_utils._text import urls

_TICK = 0.05
# For a page that nothing depends on.
_SECONDS = 10
# As many as a browser follows at most (Fetch, section 4.4).
_REDIRECTS = 20
_HINTS = {
    400: "Django answers 400 to a host that ALLOWED_HOSTS lacks: gunicorn_health.host",
    401: "the page asks for a password: choose an open one by gunicorn_health.path, or expect this by gunicorn_health.status: 401",
    403: "the page is not for everybody: choose an open one by gunicorn_health.path, or expect this by gunicorn_health.status: 403",
    404: "the app has no such page: choose one that it has by gunicorn_health.path",
}

_ANOTHER_HOST = (
    "which is another host, so it is not known whether the app works: if that is its own, name it in gunicorn_health.host; "
    "otherwise choose a page that answers itself by gunicorn_health.path, or expect just this by"
)
_NO_END = (
    "and so on without an end: an app behind nginx has to take X-Forwarded-Proto: https for https, as Django does by "
    "SECURE_PROXY_SSL_HEADER, or not to redirect by itself"
)


@dataclasses.dataclass(frozen=True)
class Health:
    """What an instance must answer: GET each of `paths` for `host` ends at one of `status` within `timeout` seconds."""

    paths: list[str]
    host: str
    status: range
    timeout: float

    @property
    def pages(self) -> str:
        """Return what is asked for, as people read it."""
        return f"GET {', '.join(map(urls.shown, self.paths))} for {self.host}"


class Unhealthy(Exception):
    """The app answered, but not as it must; the message says what was asked, what came back, and a remedy."""


class Asker(threading.Thread):
    """Asks for the pages over and over beside the watch of the unit, which a slow answer must not hold up.

    `answer` says what came back when all have answered, `refusal` why one never will, `error` why nobody answers yet;
    `asked` counts the requests. `path` is the unix socket.
    """

    def __init__(self, path: str, health: Health):
        super().__init__(daemon=True)
        self._path = path
        self._health = health
        self.answer: str | None = None
        self.refusal: str | None = None
        self.error: str | None = None
        self.asked = 0
        self.start()

    def run(self) -> None:
        """Ask for one page after the other, each until it answers or was bad twice."""
        answers = []
        for page in self._health.paths:
            answer = self._ask(page)
            if answer is None:
                return
            answers.append(answer)
        named = [f"{urls.shown(page)}: {answer}" for page, answer in zip(self._health.paths, answers, strict=True)]
        self.answer = "; ".join(named) if len(named) > 1 else answers[0]

    def _ask(self, page: str) -> str | None:
        bad, refusal = 0, ""
        while bad < 2:
            try:
                return self._visit(page)
            except Unhealthy as unhealthy:
                bad += 1
                refusal = str(unhealthy)
            except (OSError, http.client.HTTPException) as error:
                self.error = str(error) or type(error).__name__
            time.sleep(_TICK)
        self.refusal = refusal
        return None

    def _visit(self, page: str) -> str:
        """Return what came back on the way from a page to where it leads. Raises Unhealthy, or as probe.get does."""
        health = self._health
        cookies: dict[str, str] = {}
        url, way, seen = f"http://{health.host}{page}", "", []
        while True:
            seen.append((url, dict(cookies)))
            self.asked += 1
            parts = urllib.parse.urlsplit(url)
            target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
            answer = probe.get(self._path, target, parts.netloc, health.timeout, parts.scheme, cookies)
            way += f"{answer.status} {answer.reason}".strip()
            asked = f"GET {urls.shown(page)} for {health.host}: {way}"
            if not answer.location or health.status.start >= 300:
                if answer.status in health.status:
                    return way
                expected = f"{health.status.start} to {health.status.stop - 1}"
                hint = f" ({_HINTS[answer.status]})" if answer.status in _HINTS else ""
                raise Unhealthy(f"{asked}, and {expected} was expected{hint}")
            cookies = {**cookies, **answer.cookies}
            url, host = _next(url, answer.location, health.host)
            way += f" to {urls.shown(url)}, "
            asked = f"GET {urls.shown(page)} for {health.host}: {way}"
            if not host:
                raise Unhealthy(f"{asked}{_ANOTHER_HOST} gunicorn_health.status: {answer.status}")
            url = urllib.parse.urlsplit(url)._replace(netloc=host, fragment="").geturl()
            if (url, cookies) in seen or len(seen) > _REDIRECTS:
                raise Unhealthy(f"{asked}{_NO_END}")


def misses_prefix(path: str, prefix: str, host: str) -> bool:
    """Say whether the app at the unix socket `path` has no page at a URL prefix, but one if it is told that it is mounted there."""
    try:
        unaware, aware = (probe.get(path, f"{prefix}/", host, _SECONDS, prefix=told).status for told in ("", prefix))
    except (OSError, http.client.HTTPException):
        return False
    return unaware == http.HTTPStatus.NOT_FOUND and aware < http.HTTPStatus.BAD_REQUEST


def _next(url: str, location: str, host: str) -> tuple[str, str | None]:
    """Return where a redirect leads, and by which name the app is asked there, None where that is another's host.

    `www.` makes no difference.
    """
    try:
        url = urllib.parse.urljoin(url, location)
    except ValueError:
        return location, None
    parts = urllib.parse.urlsplit(url)
    own, named = urllib.parse.urlsplit(f"//{host}").hostname or "", parts.hostname or ""
    if parts.scheme not in ("http", "https") or named.removeprefix("www.") != own.removeprefix("www."):
        return url, None
    return url, host if named == own else named
