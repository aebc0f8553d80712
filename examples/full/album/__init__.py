"""The album; whoever imports it has its queue."""

from .celery import queue

__all__ = ["queue"]
