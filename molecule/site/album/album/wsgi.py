"""The project, and beside it a note of each request that gets here: what nginx let through."""

import json
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "album.settings")
django = get_wsgi_application()
SEEN = os.path.join(os.environ.get("STATE_DIRECTORY", "/nowhere"), "seen.jsonl")


def application(environ, start_response):
    note = {key: environ.get(key) for key in ("REQUEST_METHOD", "RAW_URI", "HTTP_X_REQUEST_ID", "CONTENT_LENGTH")}
    # One write a line: workers don't get into each other's.
    with open(SEEN, "ab", buffering=0) as file:
        file.write(json.dumps(note).encode() + b"\n")
    return django(environ, start_response)
