"""Visitors of the app, each after its own fashion, until they may go; prints what became of every request as JSON.

    visitors.py PORT everybody LAST [PAUSE]     again and again
    visitors.py PORT readers LAST [PAUSE]       the same, and some who load a page and fetch later what it names by its content
    visitors.py PORT talkers LAST [PAUSE]       readers, and some who talk over websockets
    visitors.py PORT crowd                      three hundred, once and together
    visitors.py PORT sleeper                    one, who takes half a minute

PAUSE is in seconds, in the mean, between two requests of one of them. LAST is a file that comes when they may go. It says,
as JSON, which handovers there were meanwhile: a list of objects with `begun` and `ended` in seconds since 1970, the
`release`, and whether it was `taken` or refused. Each request is

    ok          answered in full by a release that was taken, with the digest of what was sent
    failed      refused, reset, answered with an error or wrongly, or not at all
    cut         answered in part: a body that is shorter than promised, a stream or a websocket without its end
    crossed     sent on a kept connection, while the server closed that without a word of an answer

On port 443 they speak TLS. A kept connection that the server closes before the next request is sent is no loss (RFC 9112, section 9.3).
"""

import asyncio
import base64
import collections
import hashlib
import json
import os
import pathlib
import random
import ssl
import struct
import sys
import time

# Who comes at once, and how many of each. A steady few: the question is whether any is lost, not how many can be served.
EVERYBODY = {"fresh": 4, "kept": 4, "post": 2, "upload": 1, "slow": 1, "stream": 1}
QUICK = ("fresh", "kept", "post")
AT_ONCE = {"crowd": 300, "sleeper": 1}
# In seconds: between two requests of a visitor if nothing is said, for an answer, for all of it; and how long some hold
# their connection.
PAUSE, PATIENCE, LONGEST = 0.1, 300, 7200
HELD = 2
# After which a browser fetches what a page names, at the latest.
READ = 1
# Where they speak TLS, and ask for nobody's name: that the certificate is the right one is seen to elsewhere.
TLS_PORT = 443
ANYBODY = ssl.create_default_context()
ANYBODY.check_hostname = False
ANYBODY.verify_mode = ssl.CERT_NONE


class Lost(Exception):
    """A request that was not answered as it should be: how, and what was seen."""


class Connection:
    """One connection to the server, on which requests follow each other."""

    def __init__(self, port, host="localhost"):
        self._port = port
        self._host = host
        self._reader = self._writer = None
        # Whether it has brought an answer already.
        self._kept = False

    async def ask(self, method, target, body=b"", pause=0.0, headers=""):
        """Send a request, its body in two halves with a pause between; return status, headers and body."""
        await self.open()
        read = 0
        try:
            head = f"{method} {target} HTTP/1.1\r\nHost: {self._host}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
            half = len(body) // 2
            self._writer.write(head.encode() + body[:half])
            if pause:
                await self._writer.drain()
                await asyncio.sleep(pause)
            self._writer.write(body[half:])
            await self._writer.drain()
            lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            read = 1
            fields = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
            status = int(lines[0].split()[1])
            answer = await self._body(fields) if status != 101 else b""
        except (asyncio.IncompleteReadError, OSError) as error:
            began = read or getattr(error, "partial", b"")
            outcome = "cut" if began else "crossed" if self._kept else "failed"
            self.close()
            raise Lost(outcome, f"{type(error).__name__}: {error}") from None
        self._kept = True
        if fields.get("connection") == "close" or "Connection: close" in headers:
            self.close()
        return status, fields, answer

    async def open(self):
        """Connect, unless that was done and the server has left it so."""
        if (
            self._writer
            and not self._reader.at_eof()
            and not self._writer.is_closing()
            and not self._reader.exception()
        ):
            return
        self.close()
        try:
            tls = ANYBODY if self._port == TLS_PORT else None
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, ssl=tls)
        except OSError as error:
            raise Lost("failed", f"no connection: {error}") from None

    async def _body(self, fields):
        if fields.get("transfer-encoding") != "chunked":
            return await self._reader.readexactly(int(fields["content-length"]))
        body = b""
        while size := int((await self._reader.readuntil(b"\r\n")), 16):
            body += (await self._reader.readexactly(size + 2))[:-2]
        await self._reader.readexactly(2)
        return body

    async def say(self, text):
        """Send a websocket's message and return the answer."""
        mask = os.urandom(4)
        data = bytes(byte ^ mask[place % 4] for place, byte in enumerate(text.encode()))
        self._writer.write(struct.pack("!BB4s", 0x81, 0x80 | len(data), mask) + data)
        kind, size = await self._reader.readexactly(2)
        answer = await self._reader.readexactly(size)
        if kind != 0x81:
            raise Lost("cut", f"the server closed the websocket: {answer!r}")
        return answer.decode()

    def close(self):
        """Close the connection."""
        if self._writer:
            self._writer.close()
        self._writer = None
        self._kept = False


async def answered(connection, target="/", body=b"", expected=None, **how):
    """Ask and check the answer; return the release that gave it."""
    status, fields, answer = await connection.ask("POST" if body else "GET", target, body, **how)
    if status != 200:
        raise Lost("failed", f"{status}: {answer[:80]!r}")
    if answer != (expected or hashlib.sha256(body).hexdigest().encode()):
        raise Lost("failed", f"a wrong answer: {answer[:80]!r}")
    return fields["x-release"]


async def page(connection):
    """Load a page, and later the file that it names by its content; return the release of the page."""
    status, fields, named = await connection.ask("GET", "/page")
    if status != 200:
        raise Lost("failed", f"{status}: {named[:80]!r}")
    await asyncio.sleep(READ)
    path = named.decode()
    status, _fields, file = await connection.ask("GET", path)
    if status != 200 or hashlib.md5(file).hexdigest()[:12] not in path:
        raise Lost("failed", f"{path} of the page of {fields['x-release']}: {status}")
    return fields["x-release"]


async def websocket(connection):
    """Talk for a while, then take leave."""
    key = base64.b64encode(os.urandom(16)).decode()
    upgrade = f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
    status, _fields, answer = await connection.ask("GET", "/", headers=upgrade)
    if status != 101:
        raise Lost("failed", f"no websocket: {status}: {answer[:80]!r}")
    try:
        for word in map(str, range(HELD * 4)):
            release, _space, said = (await connection.say(word)).partition(" ")
            if said != word:
                raise Lost("failed", f"said {word}, heard {said}")
            await asyncio.sleep(0.25)
    except (asyncio.IncompleteReadError, OSError) as error:
        raise Lost("cut", f"{type(error).__name__}: {error}") from None
    finally:
        connection.close()
    return release


def visit(kind, connection):
    """Return what a visitor of this kind does."""
    if kind == "post":
        return answered(connection, body=random.randbytes(random.randrange(1, 60_000)))
    if kind == "upload":
        return answered(connection, body=random.randbytes(400_000), pause=HELD)
    if kind == "slow":
        return answered(connection, f"/slow?{HELD}")
    if kind in ("stream", "sleeper"):
        seconds = HELD if kind == "stream" else 30
        return answered(connection, f"/stream?{seconds}", expected=b"".join(b"%d\n" % n for n in range(seconds * 10)))
    if kind == "crowd":
        return answered(connection, "/slow?0.2")
    if kind == "websocket":
        return websocket(connection)
    if kind == "page":
        return page(connection)
    return answered(connection, headers="Connection: close\r\n" if kind == "fresh" else "")


async def attempt(kind, connection):
    """Visit once; return what became of it."""
    begun, release, why, outcome = time.time(), None, "", "ok"
    try:
        release = await asyncio.wait_for(visit(kind, connection), PATIENCE)
    except Lost as lost:
        outcome, why = lost.args
    except TimeoutError:
        outcome, why = "failed", f"no answer within {PATIENCE} s"
    if outcome != "ok":
        connection.close()
    return {"kind": kind, "begun": begun, "ended": time.time(), "outcome": outcome, "why": why, "release": release}


async def live(kind, port, last, seen, pause):
    """Visit again and again until the last."""
    connection, end = Connection(port), time.monotonic() + LONGEST
    while not last.exists() and time.monotonic() < end:
        seen.append(await attempt(kind, connection))
        await asyncio.sleep(random.uniform(0, 2 * pause))
    connection.close()


async def come(port, who, last="", pause=PAUSE):
    """Have them come; return every request."""
    if who in AT_ONCE:
        connections = [Connection(port) for each in range(AT_ONCE[who])]
        # All are there before the first one asks, however long it takes to agree on a cipher with each.
        await asyncio.gather(*[connection.open() for connection in connections])
        return await asyncio.gather(*[attempt(who, connection) for connection in connections])
    seen = []
    everybody = {**EVERYBODY, "page": 2 * (who != "everybody"), "websocket": 2 * (who == "talkers")}
    kinds = [kind for kind, number in everybody.items() for each in range(number)]
    await asyncio.gather(*[live(kind, port, pathlib.Path(last), seen, float(pause)) for kind in kinds])
    return seen


def report(seen, handovers):
    """Sum up: by kind, by handover, and how slow the quick ones were in handovers and between them."""
    refused = {each["release"] for each in handovers} - {each["release"] for each in handovers if each["taken"]}
    for each in seen:
        if each["release"] in refused:
            each.update(outcome="failed", why="a refused release answered")
        windows = [
            n for n, one in enumerate(handovers) if each["ended"] > one["begun"] and each["begun"] < one["ended"]
        ]
        each["handovers"] = windows
    during = [[each for each in seen if n in each["handovers"]] for n in range(len(handovers))]
    return {
        "all": summary(seen),
        "kinds": {kind: summary([each for each in seen if each["kind"] == kind]) for kind in {e["kind"] for e in seen}},
        "handovers": [{**one, **summary(some)} for one, some in zip(handovers, during, strict=True)],
        "steady": summary([each for each in seen if not each["handovers"]]),
        "losses": [each for each in seen if each["outcome"] != "ok"][:50],
    }


def summary(requests):
    """Count requests by their outcome and the releases that answered; say how slow the slowest of the quick ones was."""
    outcomes = collections.Counter(each["outcome"] for each in requests)
    times = [each["ended"] - each["begun"] for each in requests if each["kind"] in QUICK]
    return {
        "requests": len(requests),
        **{outcome: outcomes[outcome] for outcome in ("failed", "cut", "crossed")},
        "slowest": round(max(times, default=0), 3),
        "releases": len({each["release"] for each in requests} - {None}),
    }


def main():
    """Let them come, and say what became of them."""
    port, who, *when = sys.argv[1:]
    seen = asyncio.run(come(int(port), who, *when))
    print(json.dumps(report(seen, json.loads(pathlib.Path(when[0]).read_text()) if when else [])))


if __name__ == "__main__":
    main()
