"""The page of the album."""

from django.db import transaction
from django.shortcuts import redirect, render

from .models import Count, Picture
from .tasks import describe


def album(request):
    """Show the latest pictures and take a new one."""
    if request.method == "POST":
        picture = Picture.objects.create(file=request.FILES["file"])
        transaction.on_commit(lambda: describe.delay(picture.pk))
        return redirect("album")
    return render(
        request, "pictures/album.html", {"pictures": Picture.objects.all()[:20], "count": Count.objects.first()}
    )
