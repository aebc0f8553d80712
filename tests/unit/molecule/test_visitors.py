# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the visitors of the scenario gapless take for a loss: servers that lose requests in every way they know."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import pathlib
import socket
import ssl
import struct

import pytest

PATH = pathlib.Path(__file__).parents[3] / "molecule" / "gapless" / "visitors.py"
SPEC = importlib.util.spec_from_file_location("visitors", PATH)
visitors = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(visitors)

FILE = b"/* made up */"
NAMED = f"/static/look.{hashlib.md5(FILE).hexdigest()[:12]}.css".encode()
EMPTY = hashlib.sha256(b"").hexdigest().encode()


def _answer(body, size=None, status="200 OK", more=""):
    head = f"HTTP/1.1 {status}\r\nX-Release: aaa\r\n{more}Content-Length: {size or len(body)}\r\n\r\n"
    return head.encode() + body


def _chunks(*chunks):
    head = b"HTTP/1.1 200 OK\r\nX-Release: aaa\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)


STREAM = b"".join(b"%d\n" % number for number in range(20))
WEBSOCKET = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


async def _meet(kind, *turns, tls=None):
    """Attempt one visit for each of the answers, on one connection while that lasts; return the outcomes.

    After an answer of bytes the connection stays; after that and "end" it is closed; and "reset" resets it.
    """
    answers = iter(turns)

    async def serve(reader, writer):
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                answer, then = next(answers)
                writer.write(answer)
                await writer.drain()
                if then == "reset":
                    linger = struct.pack("ii", 1, 0)
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                if then != "stay":
                    return
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls) as server:
        port = server.sockets[0].getsockname()[1]
        visitors.TLS_PORT = port if tls else 443
        connection = visitors.Connection(port)
        outcomes = []
        for _turn in turns:
            outcomes.append((await visitors.attempt(kind, connection))["outcome"])
            # Who keeps the connection learns that it was closed before asking for more.
            while turns[len(outcomes) - 1][1] == "end" and connection._writer and not connection._reader.at_eof():
                await asyncio.sleep(0)
        connection.close()
    return outcomes


@pytest.fixture(scope="module")
def tls(certificate, tmp_path_factory):
    """Return what a server needs to speak TLS."""
    folder = tmp_path_factory.mktemp("tls")
    certificate(folder, "a")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "a.pem", folder / "a.key")
    return context


@pytest.mark.parametrize("over", ["plain HTTP", "TLS"])
@pytest.mark.parametrize(
    ("kind", "turns", "outcomes"),
    [
        ("kept", [(_answer(EMPTY), "stay"), (_answer(EMPTY), "stay")], ["ok", "ok"]),
        ("kept", [(_answer(EMPTY), "end"), (_answer(EMPTY), "stay")], ["ok", "ok"]),
        ("kept", [(_answer(EMPTY), "stay"), (b"", "end")], ["ok", "crossed"]),
        ("kept", [(_answer(EMPTY), "stay"), (b"", "reset")], ["ok", "crossed"]),
        ("kept", [(_answer(EMPTY), "stay"), (b"HTTP/1.1 200", "end")], ["ok", "cut"]),
        ("fresh", [(b"", "end")], ["failed"]),
        ("fresh", [(b"", "reset")], ["failed"]),
        ("fresh", [(_answer(b"no", status="502 Bad Gateway"), "end")], ["failed"]),
        ("fresh", [(_answer(b"another page"), "end")], ["failed"]),
        ("fresh", [(_answer(EMPTY[:10], size=64), "end")], ["cut"]),
        ("post", [(_answer(EMPTY), "end")], ["failed"]),
        ("stream", [(_chunks(STREAM, b""), "end")], ["ok"]),
        ("stream", [(_chunks(STREAM), "end")], ["cut"]),
        ("stream", [(_chunks(STREAM[:8], b""), "end")], ["failed"]),
        ("websocket", [(WEBSOCKET, "end")], ["cut"]),
        ("websocket", [(WEBSOCKET + b"\x88\x02\x03\xe8", "end")], ["cut"]),
        ("websocket", [(_answer(b"no", status="502 Bad Gateway"), "end")], ["failed"]),
    ],
)
def test_what_is_a_loss(kind, turns, outcomes, over, tls):
    assert asyncio.run(_meet(kind, *turns, tls=tls if over == "TLS" else None)) == outcomes


@pytest.mark.parametrize(
    ("status", "file", "outcome"), [(200, FILE, "ok"), (404, b"not found", "failed"), (200, b"/* another */", "failed")]
)
def test_a_page_whose_files_are_gone_is_a_loss(monkeypatch, status, file, outcome):
    answers = iter([(200, {"x-release": "aaa"}, NAMED), (status, {}, file)])

    async def ask(*_asked):
        return next(answers)

    connection = visitors.Connection(1)
    monkeypatch.setattr(connection, "ask", ask)
    monkeypatch.setattr(visitors, "READ", 0)
    assert asyncio.run(visitors.attempt("page", connection))["outcome"] == outcome


def test_nobody_there_is_a_loss():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert asyncio.run(visitors.attempt("fresh", visitors.Connection(port)))["outcome"] == "failed"


def test_the_report():
    handovers = [
        {"kind": "code", "begun": 10, "ended": 20, "release": "bbb", "taken": True},
        {"kind": "exit", "begun": 30, "ended": 40, "release": "ccc", "taken": False},
    ]
    seen = [
        {"kind": kind, "begun": begun, "ended": ended, "outcome": outcome, "why": "", "release": release}
        for kind, begun, ended, outcome, release in [
            ("fresh", 1, 2, "ok", "aaa"),
            ("slow", 5, 15, "ok", "aaa"),
            ("kept", 19, 22, "crossed", None),
            ("post", 25, 25.5, "ok", "bbb"),
            ("fresh", 41, 42, "ok", "ccc"),
        ]
    ]
    report = visitors.report(seen, handovers)
    assert report["all"] == {"requests": 5, "failed": 1, "cut": 0, "crossed": 1, "slowest": 3, "releases": 3}
    assert [(one["requests"], one["crossed"], one["slowest"]) for one in report["handovers"]] == [(2, 1, 3), (0, 0, 0)]
    assert report["steady"]["slowest"] == 1
    assert [loss["why"] for loss in report["losses"]] == ["", "a refused release answered"]
