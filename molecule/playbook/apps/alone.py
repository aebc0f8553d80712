"""A WSGI app that can't run twice at once: it has a lock, and ends where that is taken."""

import fcntl
import os

# Held for as long as the process lives.
fcntl.flock(os.open(os.environ["STATE_DIRECTORY"] + "/lock", os.O_RDWR | os.O_CREAT), fcntl.LOCK_EX | fcntl.LOCK_NB)
EDITION = os.environ["EDITION"]
if EDITION == "broken":
    raise RuntimeError("this edition is broken")


def app(environ, start_response):
    """Tell the edition."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"alone, {EDITION}\n".encode()]
