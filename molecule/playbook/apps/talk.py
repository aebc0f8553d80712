"""A bare ASGI callable that tells what it is."""

import getpass
import json
import os


async def app(scope, receive, send):
    """Tell how it runs, and what of the playbook arrived."""
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    seen = {"app": "talk", "colour": os.environ.get("COLOUR"), "user": getpass.getuser()}
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(seen).encode()})
