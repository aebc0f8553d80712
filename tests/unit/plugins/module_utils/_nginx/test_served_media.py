# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real nginx makes of what people uploaded."""

from __future__ import annotations

import http.server
import json
import os
import socketserver
import threading

import pytest

FILES = {
    "media/cat.png": "a picture",
    "media/cat.svg": "<svg onload='alert(1)'/>",
    "media/page.html": "<script>alert(1)</script>",
    "media/x.js": "alert(1)",
    "media/doc.pdf": "%PDF",
    "media/unknown": "whatever",
    "media/a b/ü.txt": "a text",
    "media/.env": "SECRET=1",
    "media/.git/config": "[core]",
    "db.sqlite3": "SQLite format 3",
}


@pytest.fixture
def served(host, site, write):
    """Return a function that has nginx serve the files of an app, and asks for one of them."""
    srv = host.etc.parent / "srv"
    state = write(host.etc.parent / "state", FILES)
    os.symlink(state / "db.sqlite3", state / "media/link.txt")
    os.symlink(state, state / "media/folder")
    write(
        host.etc,
        {
            "mime.types": "types { text/html html; image/svg+xml svg; image/png png; application/pdf pdf; text/plain txt; }\n"
        },
    )

    def served(**given):
        told = {"url": "/media/", "state": str(state), "path": "media", "protected": given.pop("protected", False)}
        write(srv, {"shop/media.json": json.dumps(told)})
        with host.reloaded():
            assert site(**given)["changed"]
        return host.ask

    return served


def test_they_are_shown_or_downloaded_and_run_nothing(served):
    ask = served()
    for name, shown in {"cat.png": True, "cat.svg": False, "page.html": False, "x.js": False, "unknown": False}.items():
        answer = ask(f"/media/{name}")
        assert (answer.status, answer.said) == (200, FILES[f"media/{name}"])
        assert answer.getheader("Content-Disposition") == (None if shown else "attachment"), name
        assert answer.getheader("Content-Security-Policy") == "sandbox"
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
    assert ask("/media/unknown").getheader("Content-Type") == "application/octet-stream"
    # Which browsers don't show in a sandbox.
    pdf = ask("/media/doc.pdf")
    assert (pdf.getheader("Content-Security-Policy"), pdf.getheader("Content-Disposition")) == (None, None)
    assert ask("/media/a%20b/%C3%BC.txt").said == "a text"
    assert "text/plain" in ask("/media/a%20b/%C3%BC.txt").getheader("Content-Type")


@pytest.mark.alike
@pytest.mark.parametrize(
    "path",
    [
        *("/media/", "/media/a%20b/", "/media/a%20b", "/media/.env", "/media/.git/config", "/media/missing"),
        *("/media/folder/db.sqlite3", "/media/folder/", "/media/link.txt", "/media/folder/media/cat.png"),
        *("/media/../db.sqlite3", "/media/%2e%2e/db.sqlite3", "/media/..%2fdb.sqlite3", "/media//../../db.sqlite3"),
    ],
)
def test_nothing_else_is_to_be_had(served, path):
    answer = served()(path)
    assert answer.status in (203, 400, 403, 404)
    assert not [secret for secret in ("SQLite", "SECRET", "a picture") if secret in answer.said]


@pytest.mark.parametrize("swapped", ["media", "."])
def test_a_folder_that_is_a_link_now_leads_nowhere(served, host, swapped):
    ask, state = served(), host.etc.parent / "state"
    assert ask("/media/cat.png").status == 200
    place = state / swapped
    place.rename(state.parent / "moved")
    place.symlink_to(state.parent / "moved")
    assert ask("/media/cat.png").status in (403, 404)


def test_the_headers_of_the_site_are_there_and_weaken_nothing(served):
    ask = served(headers={"Content-Security-Policy": "default-src 'self'", "X-Content-Type-Options": "", "X-Mine": "1"})
    answer = ask("/media/page.html")
    assert answer.headers.get_all("Content-Security-Policy") == ["sandbox", "default-src 'self'"]
    assert answer.headers.get_all("X-Content-Type-Options") == ["nosniff"]
    assert answer.getheader("X-Mine") == "1"


def test_limits_hold_below_their_prefix(served):
    ask = served(limits=[{"path": path, "rate": "1r/m", "burst": 1} for path in ("/media/", "/media/big/")])
    for path, first in {"/media/cat.png": 200, "/media/big/x": 404}.items():
        statuses = [ask(path).status for _number in range(4)]
        assert (statuses[0], statuses[-1]) == (first, 429)


class View(http.server.BaseHTTPRequestHandler):
    """A view that lets a member get a file, and says of some of them how."""

    def do_GET(self):
        member = self.headers["X-Member"]
        self.send_response(200 if member else 403)
        if member:
            self.send_header("Content-Type", "")
            self.send_header("X-Accel-Redirect", self.path)
        for header in filter(None, [self.headers["X-Say"]]):
            self.send_header(*header.split("=", 1))
        self.end_headers()

    def log_message(self, *_arguments):
        """Say nothing: who connects to a unix socket has no address to be named by."""


@pytest.fixture
def guarded(served, host):
    """Have the app guard its files, and return what asks for them."""
    path = host.etc.parent / "srv/shop/current/app.sock"
    ask = served(protected=True)
    path.unlink()
    with socketserver.ThreadingUnixStreamServer(str(path), View) as server:
        path.chmod(0o777)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield ask
        server.shutdown()


def test_what_is_protected_is_had_by_the_app_s_leave_alone(guarded):
    for name in ("cat.png", "missing", ".env", ""):
        assert guarded(f"/media/{name}").status == 403
    answer = guarded("/media/cat.svg", X_Member="1")
    assert (answer.status, answer.said) == (200, FILES["media/cat.svg"])
    headers = ("Content-Disposition", "Content-Security-Policy", "Cache-Control", "Content-Type")
    assert [answer.getheader(name) for name in headers] == [
        "attachment",
        "sandbox",
        "private, no-cache",
        "image/svg+xml",
    ]
    assert guarded("/media/missing", X_Member="1").status == 404
    assert guarded("/media/.env", X_Member="1").status == 404
    assert guarded("/media/link.txt", X_Member="1").status in (403, 404)


def test_what_the_app_says_of_a_protected_file_counts(guarded):
    for name, value in {"Content-Disposition": 'inline; filename="a.svg"', "Cache-Control": "max-age=9"}.items():
        answer = guarded("/media/cat.svg", X_Member="1", X_Say=f"{name}={value}")
        assert answer.headers.get_all(name) == [value]
        assert answer.getheader("Content-Security-Policy") == "sandbox"


def test_without_media_there_are_no_locations_of_it(host, site):
    site()
    assert "media" not in (host.etc / "sites-available/default").read_text()
