"""What workers do."""

import hashlib

from celery import shared_task

from .models import Count, Picture


@shared_task
def describe(number):
    """Note the digest of a picture."""
    picture = Picture.objects.get(pk=number)
    with picture.file.open() as file:
        picture.digest = hashlib.file_digest(file, "sha256").hexdigest()
    picture.save(update_fields=["digest"])


@shared_task
def count():
    """Count the pictures."""
    Count.objects.update_or_create(pk=1, defaults={"pictures": Picture.objects.count()})
