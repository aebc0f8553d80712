"""Strokes at the active release; runs on the server and prints when each was, for visitors.py.

A worker is killed, then the main process; a visitor's request takes more memory than the service may have; and in the end
the release fails at every start, far more often than systemd's start limit would bear. Who was being answered at a stroke
may be lost by it: nobody else, not even of those who come while there is no process at all.
"""

import contextlib
import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

RELEASE = pathlib.Path("/srv/shop/current").resolve().name
SERVICE = f"gunicorn-shop@{RELEASE}.service"
FALLEN = pathlib.Path("/var/lib/gunicorn-shop/fallen")
STARTS = 8


def shown(name):
    """Return a property of the service."""
    argv = ["systemctl", "show", f"--property={name}", "--value", SERVICE]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def workers():
    """Return the main process and its workers."""
    main = int(shown("MainPID"))
    with contextlib.suppress(OSError):
        return main, {int(pid) for pid in pathlib.Path(f"/proc/{main}/task/{main}/children").read_text().split()}
    return main, set()


def wait(claim, holds, pause=0.2):
    """Wait until it is so, and look every so many seconds; two minutes are more than it can take."""
    end = time.monotonic() + 120
    while not holds():
        if time.monotonic() > end:
            sys.exit(f"this never came true: {claim}")
        time.sleep(pause)


def gone(pids):
    """Say whether none of these processes is there any more."""
    return not any(os.path.exists(f"/proc/{pid}") for pid in pids)


def kill(pid, end):
    """Kill a process, and see these end."""
    os.kill(pid, signal.SIGKILL)
    wait(f"{end} end", lambda: gone(end), pause=0.02)


def ask(path):
    """Ask for a page behind all who wait; return the status."""
    connection = http.client.HTTPConnection("127.0.0.1", timeout=300)
    connection.request("GET", path)
    return connection.getresponse().status


def ask_too_much():
    """Ask for an answer that takes too much memory, and get none."""
    if (status := ask("/hoard")) != 502:
        sys.exit(f"the hoarder was answered with {status}")


def stroke(kind, strike):
    """Strike; return what visitors.py is to know of that: when it was, and that the release is to answer."""
    begun = time.time()
    strike()
    return {"kind": kind, "begun": begun, "ended": time.time(), "release": RELEASE, "taken": True}


def main():
    """Strike, each time after all workers are there again and nobody waits."""
    strokes = []
    for kind, restarts in (("worker", 0), ("memory", 0), ("main", 1), ("start", STARTS)):
        wait(f"two workers before {kind}", lambda: len(workers()[1]) == 2 and ask("/") == 200)
        process, children = workers()
        if kind == "worker":
            victim = min(children)
            strokes.append(stroke(kind, lambda victim=victim: kill(victim, {victim})))
        elif kind == "memory":
            strokes.append(stroke(kind, ask_too_much))
        else:
            if kind == "start":
                FALLEN.write_text(RELEASE)
            everybody = {process, *children}
            strokes.append(stroke(kind, lambda pid=process, all_of=everybody: kill(pid, all_of)))
        wait(f"{restarts} restarts after {kind}", lambda least=restarts: int(shown("NRestarts")) >= least)
        if int(shown("NRestarts")) > restarts and kind != "start":
            sys.exit(f"{kind}: systemd had to start the service again")
    print(json.dumps(strokes))


if __name__ == "__main__":
    main()
