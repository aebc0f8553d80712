"""An app that tells which of its releases answers, as WSGI and as ASGI, and can be broken in many ways.

    GET  /             at once
    GET  /slow?2       after two seconds
    GET  /stream?2     a line each tenth of a second, for two seconds
    GET  /page         the URL of a static file of this release, which is named by its content
    POST /             the digest of what was sent
    GET  /hoard        never, as that takes more memory than there is (WSGI)
    websocket (ASGI)   says what it hears

What its environment calls BROKEN gets past the proof of its configuration, and comes out in the service alone. So does
that a release has fallen, which a file in the app's own folder says.
"""

import asyncio
import hashlib
import json
import os
import pathlib
import sys
import time

# gunicorn's --config is the release's own.
FOLDER = pathlib.Path(sys.argv[-1]).parent
RELEASE = FOLDER.name
EDITION = pathlib.Path(__file__).with_name("edition").read_text()
BROKEN = os.environ.get("BROKEN")
HEADERS = {"X-Release": RELEASE, "X-Edition": EDITION.strip(), "X-Accel-Buffering": "no"}
TICK = 0.1

FALLEN = pathlib.Path(os.environ.get("STATE_DIRECTORY", "/nowhere"), "fallen")

if BROKEN == "boot" and "NOTIFY_SOCKET" in os.environ:
    os._exit(1)
if FALLEN.exists() and FALLEN.read_text() == RELEASE:
    raise RuntimeError(f"{RELEASE} has fallen")


def hoard():
    """Take more memory than the service may have, less than would hurt the host."""
    blocks = [bytes([number]) * 10**7 for number in range(60)]
    raise MemoryError(f"{len(blocks)} blocks were to be had")


def meet_fate():
    """Be as broken as the environment wants it; return the seconds that a request has to wait for that."""
    if BROKEN == "import":
        import there_is_no_such_module  # noqa: F401
    if BROKEN == "error":
        raise RuntimeError("nothing works")
    if BROKEN == "exit":
        os._exit(1)
    if BROKEN == "memory":
        hoard()
    return {"never": 3600, "late": 8}.get(BROKEN, 0)


def text(path, body):
    """Return what a request at once, or after a while, is answered with."""
    if path == "/page":
        manifest = json.loads((FOLDER / "static/static/staticfiles.json").read_text())
        return f"/static/{manifest['paths']['look.css']}".encode()
    return hashlib.sha256(body).hexdigest().encode()


def lines(seconds):
    """Return the lines of a stream."""
    return [b"%d\n" % number for number in range(int(seconds / TICK))]


def wsgi(environ, start_response):
    """Answer a request of WSGI."""
    time.sleep(meet_fate())
    path, seconds = environ["PATH_INFO"], float(environ["QUERY_STRING"] or 0)
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    if path == "/hoard":
        hoard()
    if path == "/stream":
        start_response("200 OK", list(HEADERS.items()))
        return (time.sleep(TICK) or line for line in lines(seconds))
    time.sleep(seconds)
    answer = text(path, body)
    start_response("200 OK", [*HEADERS.items(), ("Content-Length", str(len(answer)))])
    return [answer]


async def asgi(scope, receive, send):
    """Answer a request, or talk over a websocket, of ASGI."""
    if scope["type"] == "websocket":
        await talk(receive, send)
        return
    await asyncio.sleep(meet_fate())
    seconds, body, more = float(scope["query_string"] or 0), b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message.get("more_body")
    headers = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
    if scope["path"] == "/stream":
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for line in lines(seconds):
            await asyncio.sleep(TICK)
            await send({"type": "http.response.body", "body": line, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    await asyncio.sleep(seconds)
    answer = text(scope["path"], body)
    headers.append((b"content-length", b"%d" % len(answer)))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


async def talk(receive, send):
    """Say which release this is, then all that is heard."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": f"{RELEASE} {message['text']}"})
