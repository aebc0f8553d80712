# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Static files as a real nginx sends them: how large, as what, and for how long browsers keep them."""

from __future__ import annotations

import gzip
import http.server
import json
import socketserver
import threading

import pytest

LONG = "a { color: red }\n" * 100
NAMED = "x.0123456789ab.css"
KEPT, ASKED = "public, max-age=31536000, immutable", "public, max-age=0, must-revalidate"
# What browsers insist on, by the endings of files.
TYPES = {
    "mjs": "text/javascript",
    "webmanifest": "application/manifest+json",
    "wasm": "application/wasm",
    "avif": "image/avif",
    "woff2": "font/woff2",
}


@pytest.fixture
def serve(host, site, write):
    """Have nginx serve static files of the release, and those that are named by their content."""

    def serve(files: dict[str, str], assets: dict[str, str] | None = None, **given):
        write(host.etc.parent / "srv/shop/current/static", files)
        write(host.etc.parent / "srv/shop/assets", assets or {})
        with host.reloaded():
            site(**given)

    return serve


@pytest.mark.parametrize(
    ("name", "text", "smaller"),
    [("site.css", LONG, True), ("page.html", LONG, True), ("small.css", LONG[:900], False), ("a.avif", LONG, False)],
)
def test_long_text_is_compressed_for_who_takes_it(host, serve, name, text, smaller):
    serve({name: text})
    taken, plain = host.ask(f"/{name}", Accept_Encoding="br, gzip"), host.ask(f"/{name}")
    assert (plain.getheader("Content-Encoding"), plain.said) == (None, text)
    assert taken.getheader("Content-Encoding") == ("gzip" if smaller else None)
    assert (gzip.decompress(taken.body) if smaller else taken.body).decode() == text
    # What lies between keeps the two apart.
    assert [each.getheader("Vary") for each in (taken, plain)] == ["Accept-Encoding" if smaller else None] * 2


class Speaker(http.server.BaseHTTPRequestHandler):
    """Answers with much JSON."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps([LONG]).encode())

    def log_message(self, *_arguments):
        """Say nothing: who connects to a unix socket has no address to be named by."""


def test_so_is_what_the_app_says_also_behind_a_proxy(host, serve):
    path = host.etc.parent / "srv/shop/current/app.sock"
    path.unlink()
    serve({})
    with socketserver.ThreadingUnixStreamServer(str(path), Speaker) as app:
        path.chmod(0o777)
        threading.Thread(target=app.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        answer = host.ask("/", Accept_Encoding="gzip", Via="1.1 proxy")
        app.shutdown()
    assert (answer.getheader("Content-Encoding"), answer.getheader("Vary")) == ("gzip", "Accept-Encoding")
    assert json.loads(gzip.decompress(answer.body)) == [LONG]


def test_what_was_compressed_beforehand_is_sent_as_it_is(host, serve):
    serve({"site.css": LONG}, {NAMED: LONG})
    beforehand = gzip.compress(b"made beforehand", 9)
    for path in ("current/static/site.css.gz", f"assets/{NAMED}.gz"):
        (host.etc.parent / "srv/shop" / path).write_bytes(beforehand)
    for path in ("/site.css", f"/{NAMED}"):
        taken, plain = host.ask(path, Accept_Encoding="gzip"), host.ask(path)
        assert (taken.getheader("Content-Encoding"), taken.body) == ("gzip", beforehand)
        assert taken.getheader("Content-Type") == "text/css"
        assert (plain.getheader("Content-Encoding"), plain.said) == (None, LONG)
        assert [each.getheader("Vary") for each in (taken, plain)] == ["Accept-Encoding"] * 2


@pytest.mark.parametrize("known", [{}, TYPES])
def test_each_is_what_browsers_insist_on(host, serve, write, known):
    of_host = {"css": "text/css", **known}
    write(
        host.etc, {"mime.types": f"types {{ {' '.join(f'{kind} {ending};' for ending, kind in of_host.items())} }}\n"}
    )
    serve({f"x.{ending}": "x" for ending in TYPES})
    said = {ending: host.ask(f"/x.{ending}") for ending in TYPES}
    assert {ending: answer.getheader("Content-Type") for ending, answer in said.items()} == TYPES
    assert {answer.getheader("X-Content-Type-Options") for answer in said.values()} == {"nosniff"}


def test_those_alone_that_are_named_by_their_content_are_kept_for_long(host, serve):
    serve({"x.css": "now", NAMED: "of this release"}, {NAMED: "of some release"})
    named, plain = host.ask(f"/{NAMED}"), host.ask("/x.css")
    assert (named.said, named.getheader("Cache-Control")) == ("of some release", KEPT)
    assert (plain.said, plain.getheader("Cache-Control")) == ("now", ASKED)
    again = host.ask("/x.css", If_None_Match=plain.getheader("ETag"))
    assert (again.status, again.getheader("Cache-Control")) == (304, ASKED)
    # One that only looks like it is in no folder of theirs.
    (host.etc.parent / f"srv/shop/assets/{NAMED}").unlink()
    assert host.ask(f"/{NAMED}").getheader("Cache-Control") == ASKED
    assert host.ask("/nosuch.0123456789ab.css").getheader("Cache-Control") is None
