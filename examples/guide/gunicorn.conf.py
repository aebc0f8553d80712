"""The app's own gunicorn.conf.py: what is computed, and hooks."""

import multiprocessing
import os

workers = multiprocessing.cpu_count() * 2 + 1


def post_fork(server, worker):
    """Let the app know which worker it is in."""
    os.environ["WORKER_AGE"] = str(worker.age)
