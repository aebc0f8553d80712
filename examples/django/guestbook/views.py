"""The pages of the guest book."""

import os

from django.http import JsonResponse
from django.shortcuts import redirect, render

from .models import Entry


def book(request):
    """Show the latest entries and take a new one."""
    if request.method == "POST":
        Entry.objects.create(text=request.POST["text"][:200])
        return redirect("book")
    return render(request, "guestbook/book.html", {"entries": Entry.objects.all()[:20], "worker": os.getpid()})


def request_as_seen(request):
    """Tell what of the request arrived here, to look at what the proxy in front does."""
    return JsonResponse(
        {
            "host": request.get_host(),
            "scheme": request.scheme,
            "address": request.META["REMOTE_ADDR"],
            "path": request.path,
            "worker": os.getpid(),
            "headers": dict(request.headers),
        }
    )
