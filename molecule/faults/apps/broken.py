"""Apps that load and still must not serve."""

import os
import pathlib
import time


def internal_error(environ, start_response):
    """Answer 500."""
    start_response("500 Internal Server Error", [("Content-Type", "text/plain")])
    return [b"broken"]


def never_answers(environ, start_response):
    """Take longer than the proof waits."""
    time.sleep(60)


def dies(environ, start_response):
    """Take the worker down at the first request."""
    os._exit(7)


def make_with_secret():
    """Fail in a factory that needs something which isn't there."""
    return os.environ["NOT_SET_ANYWHERE"]


def writes_beside_its_code():
    """Open a file where the code is, which is sealed."""
    (pathlib.Path(__file__).parent / "notes.txt").write_text("")
