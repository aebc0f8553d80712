# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a build gets from an index whose password it does not know, and what it does not get."""

from __future__ import annotations

import base64
import gzip
import http.client
import http.server
import inspect
import json
import os
import socket
import sys
import threading
import types
import urllib.error
import urllib.request

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._venv import relay

PASSWORD = "Basic " + base64.b64encode(b"deploy:hunter2").decode()
WORD = {"Authorization": "Basic " + base64.b64encode(b"relay:word").decode()}


@pytest.fixture
def pages():
    """Return what the index answers with: by path, a status, headers and a body; the address is put in for {here}."""
    return {}


@pytest.fixture
def questions():
    """Return what the index was asked."""
    return []


@pytest.fixture
def index(pages, questions):
    """Return the address of an index that wants a password."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            questions.append(self)
            known = self.headers.get("Authorization") == PASSWORD
            status, headers, body = pages.get(self.path, (404, {}, b"")) if known else (401, {}, b"")
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value.replace("{here}", here))
            body = body.replace(b"{here}", here.encode())
            if "Content-Length" not in headers:
                self.send_header("Content-Length", str(len(body)))
            self.send_header("Set-Cookie", "session=hunter2")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *_arguments):
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here = f"http://127.0.0.1:{server.server_address[1]}"
    yield from _serving(server, here)


@pytest.fixture
def place(index):
    """Return what stands in for that index."""
    place = relay.Place(f"{index}/private/simple", PASSWORD, False, "word")
    yield from _serving(relay.listen(place), place)


def _serving(server, it):
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield it
    server.shutdown()
    server.server_close()


def _ask(place, path, method="GET", **headers) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection(place.address.removeprefix("http://"), timeout=30)
    connection.request(method, path, headers={**WORD, **headers})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers, body


HTML = {"Content-Type": "text/html; charset=utf-8", "ETag": "1", "Cache-Control": "max-age=600"}
LINKS = (
    b'<a href="{here}/files/a.whl#sha256=1">a</a> <a href="../../files/b.whl?x=1&amp;y=2">b</a> <a href="/files/c.whl">c</a>'
    b'<a href="http://deploy:hunter2@{host}/files/d.whl">d</a> <a href="https://elsewhere.example/e.whl">e</a>'
)


def test_a_page_and_what_it_links_to(place, index, pages):
    host = index.removeprefix("http://").encode()
    pages["/private/simple/shop/"] = (200, HTML, LINKS.replace(b"{host}", host))
    files = ("/files/a.whl", "/files/a.whl.metadata", "/private/files/b.whl?x=1&y=2", "/files/c.whl", "/files/d.whl")
    for path in (*files, "/files/secret.whl", "/private/files/b.whl"):
        pages[path] = (200, {"ETag": "2"}, path.encode())
    assert {_ask(place, path)[0] for path in files} == {404}
    status, headers, page = _ask(place, "/private/simple/shop/")
    assert (status, headers["Cache-Control"], headers["ETag"], headers["Set-Cookie"]) == (200, "no-store", None, None)
    assert place.address.encode() + b"/files/a.whl" in page
    assert b"https://elsewhere.example/e.whl" in page
    assert host not in page
    assert b"hunter2" not in page
    for path in files:
        status, headers, body = _ask(place, path)
        assert (status, headers["ETag"], headers["Set-Cookie"], body) == (200, "2", None, path.encode())
    for path in ("/files/secret.whl", "/private/files/b.whl"):
        assert _ask(place, path)[0] == 404


def test_a_page_in_json(place, pages):
    kind = "application/vnd.pypi.simple.v1+json"
    page = json.dumps({"files": [{"url": "{here}/files/a.whl"}, {"url": "../../files/b.whl"}]}).encode()
    pages["/private/simple/shop/"] = (200, {"Content-Type": kind, "Content-Encoding": "gzip"}, b"")
    pages["/private/simple/other/"] = (200, {"Content-Type": kind}, page)
    pages["/files/a.whl"] = pages["/private/files/b.whl"] = (200, {}, b"it")
    assert json.loads(_ask(place, "/private/simple/other/")[2])["files"][0]["url"] == f"{place.address}/files/a.whl"
    assert [_ask(place, path)[2] for path in ("/files/a.whl", "/private/files/b.whl")] == [b"it", b"it"]


def test_a_page_that_is_packed_although_nobody_asked_for_that(place, pages):
    headers = {**HTML, "Content-Encoding": "gzip"}
    pages["/private/simple/shop/"] = (200, headers, gzip.compress(b'<a href="/files/a.whl">'))
    assert _ask(place, "/private/simple/shop/")[2] == b'<a href="/files/a.whl">'


def test_a_part_of_a_file(place, pages, questions):
    pages["/private/simple/a.whl"] = (206, {"Content-Range": "bytes 2-3/9", "Accept-Ranges": "bytes"}, b"cd")
    status, headers, body = _ask(place, "/private/simple/a.whl", Range="bytes=2-3", **{"If-Range": "1"})
    assert (status, headers["Content-Range"], headers["Accept-Ranges"], body) == (206, "bytes 2-3/9", "bytes", b"cd")
    assert (questions[0].headers["Range"], questions[0].headers["If-Range"]) == ("bytes=2-3", "1")
    status, headers, body = _ask(place, "/private/simple/a.whl", method="HEAD")
    assert (status, headers["Content-Length"], body) == (206, "2", b"")


def test_a_redirection(place, pages):
    pages["/private/simple/Shop/"] = (301, {"Location": "{here}/private/simple/shop/"}, b"")
    pages["/private/simple/moved/"] = (302, {"Location": "/files/a.whl"}, b"")
    pages["/private/simple/away/"] = (302, {"Location": "https://elsewhere.example/a.whl?signed=1"}, b"")
    pages["/files/a.whl"] = (200, {}, b"it")
    for path, to in (
        ("Shop", f"{place.address}/private/simple/shop/"),
        ("moved", f"{place.address}/files/a.whl"),
        ("away", "https://elsewhere.example/a.whl?signed=1"),
    ):
        assert _ask(place, f"/private/simple/{path}/")[1]["Location"] == to
    assert _ask(place, "/files/a.whl")[2] == b"it"


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/private", "/private/simpler/", "/api/user", "/private/simple/../../api/user", "/private/simple/?q=1"),
        *("/private/simple/%2e%2e/%2e%2e/api/user", "/private/simple/%252e%252e/x", "/private/simple/..%2f..%2fapi"),
        *("/private/simple/..\\..\\api", "http://127.0.0.1:1/private/simple/", "*"),
    ],
)
def test_the_rest_of_the_server_is_none_of_its_business(place, questions, path):
    assert _ask(place, path)[0] == 404
    assert questions == []


def test_who_does_not_know_the_word(place, questions):
    for headers in ({}, {"Authorization": PASSWORD}, {"Authorization": "Basic größe".encode().decode("latin-1")}):
        request = urllib.request.Request(f"{place.address}/private/simple/shop/", headers=headers)
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(request, timeout=30)
    assert questions == []


def test_nothing_is_written_there(place):
    for method in ("POST", "PUT", "DELETE", "CONNECT"):
        assert _ask(place, "/private/simple/shop/", method=method)[0] == 501


def test_a_server_that_is_not_there(capsys):
    place = relay.Place("http://127.0.0.1:1/simple", PASSWORD, False, "word")
    for _place in _serving(relay.listen(place), place):
        assert _ask(place, "/simple/shop/")[0] == 502
    assert json.loads(capsys.readouterr().out) == {
        "at": "http://127.0.0.1:1",
        "error": "[Errno 111] Connection refused",
    }


def test_a_server_that_is_silent(monkeypatch, capsys):
    monkeypatch.setattr(relay, "_SILENT_FOR", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = relay.Place(f"http://127.0.0.1:{silent.getsockname()[1]}/simple", PASSWORD, False, "word")
        for _place in _serving(relay.listen(place), place):
            assert _ask(place, "/simple/shop/")[0] == 502
    assert "timed out" in capsys.readouterr().out


def test_a_page_in_json_that_is_none(place, pages):
    kind = {"Content-Type": "application/json"}
    for number, page in enumerate((b"{", b'{"files": 1}', b"[]", b'{"files": [{}]}')):
        pages[f"/private/simple/{number}/"] = (200, kind, page)
        assert _ask(place, f"/private/simple/{number}/")[2] == page


def test_what_a_page_of_links_is_relative_to(place, pages):
    page = b'<a name="top"></a><base href="/files/"><base href="/elsewhere/"><a href="a.whl">'
    pages["/private/simple/shop/"] = (200, HTML, page)
    pages["/files/a.whl"] = (200, {}, b"it")
    assert _ask(place, "/private/simple/shop/")[0] == 200
    assert _ask(place, "/files/a.whl")[2] == b"it"


def test_a_file_that_its_server_cuts_off_is_cut_off_here(place, pages):
    pages["/private/simple/a.whl"] = (200, {"Content-Length": "9"}, b"it")
    with pytest.raises(http.client.IncompleteRead):
        _ask(place, "/private/simple/a.whl")


def test_a_port_that_is_taken_is_passed_over(place):
    other = relay.Place(f"{place.origin}/simple", PASSWORD, False, "word")
    for _place in _serving(relay.listen(other), other):
        assert other.address != place.address


def test_it_stands_in_for_places_until_its_input_ends(index, pages, capsys, monkeypatch):
    pages["/private/simple/shop/"] = (200, HTML, b"")
    place = {"url": f"{index}/private/simple", "authorization": PASSWORD, "insecure": True}
    reading, writing = (os.fdopen(handle, mode) for handle, mode in zip(os.pipe(), "rw", strict=True))
    monkeypatch.setattr(sys, "stdin", reading)
    monkeypatch.setenv("A", "")
    told = threading.Event()
    monkeypatch.setattr(relay, "tell", lambda addresses: (found.extend(addresses), told.set()))
    found = []
    standing_in = threading.Thread(target=relay.main)
    standing_in.start()
    print(json.dumps({"env": {"A": "b"}, "places": [place], "word": "word"}), file=writing, flush=True)
    assert told.wait(30)
    assert _ask(types.SimpleNamespace(address=found[0]), "/private/simple/shop/")[0] == 200
    assert standing_in.is_alive()
    writing.close()
    standing_in.join(30)
    assert not standing_in.is_alive()
    assert os.environ["A"] == "b"
    reading.close()


def test_systemd_would_take_a_dollar_for_a_variable():
    assert "$" not in inspect.getsource(relay)
