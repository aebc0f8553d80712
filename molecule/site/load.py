"""Visitors of the shop until they may go, each over connections of its own or one that is kept; prints what they met as JSON.

    load.py LAST

LAST is a file that comes when they may go. What is counted is the status of each answer, or how a request was lost.
"""

import asyncio
import collections
import json
import pathlib
import sys

import visitors

MANY, PAUSE, PATIENCE = 6, 0.05, 120


async def live(headers, last, met):
    """Ask for the page again and again until the last."""
    connection = visitors.Connection(443, "shop.example.com")
    while not last.exists():
        try:
            status, fields, _page = await asyncio.wait_for(connection.ask("GET", "/", headers=headers), PATIENCE)
            met[f"{status}{' without Retry-After' if status == 503 and 'retry-after' not in fields else ''}"] += 1
        except visitors.Lost as lost:
            met[lost.args[0]] += 1
        await asyncio.sleep(PAUSE)
    connection.close()


async def come(last):
    """Have them come; return what they met."""
    met = collections.Counter()
    each = ["", "Connection: close\r\n"]
    await asyncio.gather(*[live(each[number % 2], last, met) for number in range(MANY)])
    return met


if __name__ == "__main__":
    print(json.dumps(asyncio.run(come(pathlib.Path(sys.argv[1])))))
