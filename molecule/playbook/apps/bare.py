"""A bare WSGI callable that tells what it is."""

import getpass
import json
import os


def app(environ, start_response):
    """Tell how it runs, and what of the playbook arrived."""
    start_response("200 OK", [("Content-Type", "application/json")])
    seen = {
        "app": "bare",
        "colour": os.environ.get("COLOUR"),
        "socket": type(environ["gunicorn.socket"]).__module__,
        "user": getpass.getuser(),
    }
    return [json.dumps(seen).encode()]
