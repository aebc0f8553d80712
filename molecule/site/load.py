"""Visitors of the shop until they may go, who read or post, each over connections of its own or one that is kept.

Prints what they met as JSON.

    load.py LAST

LAST is a file that comes when they may go. What is counted is the status of each answer, or how a request was lost. To who
posts without a token of its forms the shop says 403.
"""

import asyncio
import collections
import json
import pathlib
import sys

import visitors

MANY, PAUSE, PATIENCE = 4, 0.1, 120
BODIES = {"GET": b"", "POST": b"text=hello"}


async def live(method, headers, last, met):
    """Ask for the page, or post to it, again and again until the last."""
    connection = visitors.Connection(443, "shop.example.com")
    while not last.exists():
        try:
            asking = connection.ask(method, "/", BODIES[method], headers=headers)
            status, fields, _page = await asyncio.wait_for(asking, PATIENCE)
            without = " without Retry-After" if status == 503 and "retry-after" not in fields else ""
            met[f"{method} {status}{without}"] += 1
        except visitors.Lost as lost:
            met[lost.args[0]] += 1
        await asyncio.sleep(PAUSE)
    connection.close()


async def come(last):
    """Have them come; return what they met."""
    met = collections.Counter()
    each = [(method, headers) for method in BODIES for headers in ("", "Connection: close\r\n")]
    await asyncio.gather(*[live(*each[number % len(each)], last, met) for number in range(MANY)])
    return met


if __name__ == "__main__":
    print(json.dumps(asyncio.run(come(pathlib.Path(sys.argv[1])))))
