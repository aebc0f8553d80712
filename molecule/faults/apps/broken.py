"""Apps that load and still must not serve."""

import os
import pathlib
import time


def internal_error(environ, start_response):
    """Answer 500."""
    start_response("500 Internal Server Error", [("Content-Type", "text/plain")])
    return [b"broken"]


def raises(environ, start_response):
    """Raise what an app does that lacks a variable."""
    return [os.environ["NOT_SET_ANYWHERE"].encode()]


def leads_elsewhere(environ, start_response):
    """Redirect to another host, as an app does that has its login there."""
    start_response("302 Found", [("Location", "https://login.example.org/")])
    return []


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


def writes_where_it_runs():
    """Make a folder by a path that is no whole one."""
    os.mkdir("uploads")


def writes_to_its_code():
    """Add to a file that came with the code."""
    with (pathlib.Path(__file__).parent / "requirements.txt").open("a"):
        pass


def answers_as_asked(environ, start_response):
    """Answer with the status in the path, and 200 without one."""
    start_response(f"{environ['PATH_INFO'].strip('/') or 200} As asked", [("Content-Type", "text/plain")])
    return [b"asked"]


def goes_round(environ, start_response):
    """Redirect to the same page, as an app does that never sees https."""
    start_response("301 Moved Permanently", [("Location", f"https://{environ['HTTP_HOST']}/")])
    return []


def takes_for_ever_to_load():
    """Take longer than a proof waits for an app to be loaded."""
    time.sleep(600)
