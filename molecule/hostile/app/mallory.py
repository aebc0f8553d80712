"""The attacker's app: it looks around from inside, and says what worked."""

import fcntl
import json
import os
import time

import tries

if os.environ.get("WAITS"):
    # As for a database that never answers.
    time.sleep(3600)
tries.mark("the app at its import", *tries.QUICKLY)


def app(environ, start_response):
    body = {"/": lambda: "mallory", "/tries": tries.worked, "/lock": lock}[environ["PATH_INFO"]]()
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]


def lock():
    """Take all that one can lock from here for oneself alone, and keep it."""
    taken = []
    for name in os.listdir("/proc/self/fd"):
        try:
            fcntl.flock(int(name), fcntl.LOCK_EX | fcntl.LOCK_NB)
            taken.append(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:
            continue
    return taken
