"""Visitors of the app that can't run twice, until they may go; fails on the first who isn't served."""

import collections
import concurrent.futures
import os
import time
import urllib.request

END = time.monotonic() + 880


def visit():
    """Ask for the page again and again; return how often each edition was there."""
    editions = collections.Counter()
    request = urllib.request.Request("http://127.0.0.1/", headers={"Host": "alone.example.com"})
    while not os.path.exists("/run/visitors-may-go") and time.monotonic() < END:
        with urllib.request.urlopen(request, timeout=60) as answer:
            editions[answer.read().decode().strip()] += 1
        time.sleep(0.2)
    return editions


with concurrent.futures.ThreadPoolExecutor() as pool:
    visits = [pool.submit(visit) for visitor in range(4)]
seen = sum((visit.result() for visit in visits), collections.Counter())
print(dict(seen))
if set(seen) != {"alone, first", "alone, second"}:
    raise SystemExit("the visitors were to see the first edition and the second, and no other")
