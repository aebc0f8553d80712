"""What visitors bring, and what the queue has found out about it."""

from django.db import models


class Picture(models.Model):
    """A file; its digest is there once a worker has had its turn."""

    file = models.FileField()
    brought = models.DateTimeField(auto_now_add=True)
    digest = models.CharField(max_length=64, blank=True)

    class Meta:
        """Newest first."""

        ordering = ["-brought"]


class Count(models.Model):
    """How many pictures there were when beat asked last; there is one row."""

    pictures = models.PositiveIntegerField()
    counted = models.DateTimeField(auto_now=True)
