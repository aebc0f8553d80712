"""What visitors leave behind."""

from django.db import models


class Entry(models.Model):
    """One visitor's line."""

    text = models.CharField(max_length=200)
    written = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Newest first."""

        ordering = ["-written"]
