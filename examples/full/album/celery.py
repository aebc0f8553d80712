"""The queue: what is done beside the pages, and when."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "album.settings")
queue = Celery("album", broker=os.environ.get("QUEUE", "memory://"))
queue.conf.task_ignore_result = True
# A task is gone from the queue when it has ended, not when it has begun: one whose worker dies is done again.
queue.conf.task_acks_late = True
queue.conf.beat_schedule = {"count": {"task": "pictures.tasks.count", "schedule": 10.0}}
queue.autodiscover_tasks(["pictures"])
