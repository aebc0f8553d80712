# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A shop that gives its work to two queues, in Redis and in PostgreSQL. Whatever of it does something notes when."""

import json
import os
import threading
import time

import procrastinate
from celery import Celery, signals

# The lines of a file that several append to, each with one call, come whole.
NOTES = f"{os.environ['STATE_DIRECTORY']}/notes"
EDITION = os.environ["EDITION"]

queue = Celery("shop", broker=os.environ["BROKER"])
queue.conf.update(
    worker_prefetch_multiplier=1, beat_schedule={"tick": {"task": "tick", "schedule": 1}}, task_ignore_result=True
)
desk = procrastinate.App(connector=procrastinate.PsycopgConnector())


def note(what, *more):
    descriptor = os.open(NOTES, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    os.write(descriptor, f"{json.dumps([what, time.time(), EDITION, os.getpid(), *more])}\n".encode())
    os.close(descriptor)


@queue.task(name="work")
def work(number, seconds):
    note("begins", number)
    time.sleep(seconds)
    note("ends", number)


@desk.task(name="paper")
def paper(number, seconds):
    work.run(number, seconds)


@queue.task(name="tick")
def tick():
    note("tick")


@signals.beat_init.connect
def beat(**_sender):
    def live():
        while True:
            note("beat")
            time.sleep(0.1)

    threading.Thread(target=live, daemon=True).start()


def web(environ, start_response):
    parts = environ["PATH_INFO"].split("/")[1:]
    broken = EDITION.startswith("broken web")
    if parts[0] == "work":
        number, seconds = int(parts[1]), float(parts[2])
        if number % 2:
            work.delay(number, seconds)
        else:
            with desk.open():
                paper.defer(number=number, seconds=seconds)
    start_response("500 Broken" if broken else "200 OK", [("Content-Type", "text/plain")])
    return [EDITION.encode()]
