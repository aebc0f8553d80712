"""Takes locks for itself alone, and keeps them.

holder.py [PATH…]   those at these paths and whatever it was started with, until somebody ends it
"""

import fcntl
import os
import sys
import time


def take(*paths):
    """Take what is at these paths, and all that this process has from whoever started it; return what it got."""
    for path in paths:
        os.open(path, os.O_RDONLY)
    return _ask(fcntl.LOCK_EX | fcntl.LOCK_NB)


def leave():
    """Leave all locks that this process has; return which that are."""
    return _ask(fcntl.LOCK_UN)


def _ask(what):
    done = []
    for name in os.listdir("/proc/self/fd"):
        try:
            fcntl.flock(int(name), what)
            done.append(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:
            continue
    return done


if __name__ == "__main__":
    print(take(*sys.argv[1:]), flush=True)
    time.sleep(3600)
