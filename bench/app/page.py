"""A page that costs its server nothing: what is measured is all that stands before it."""

BODY = b"x" * 64
HEADERS = {"Content-Type": "text/plain", "Content-Length": str(len(BODY))}


def wsgi(_environ, start_response):
    """Answer a request of WSGI."""
    start_response("200 OK", list(HEADERS.items()))
    return [BODY]


async def asgi(scope, receive, send):
    """Answer a request of ASGI, and the server's own start and end."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    headers = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})
