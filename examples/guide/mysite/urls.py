"""One view: what arrived in the app, to compare with what the guide promises."""

import getpass
import os

import greeting
from django.http import JsonResponse
from django.urls import re_path


def seen(request):
    """Tell of the request, the process and its environment."""
    return JsonResponse(
        {
            "folder": os.getcwd(),
            "greeting": greeting.TEXT,
            "guide": os.environ.get("GUIDE"),
            "headers": dict(request.headers),
            "host": request.get_host(),
            "path": request.path,
            "user": getpass.getuser(),
            "worker": os.environ.get("WORKER_AGE"),
        }
    )


urlpatterns = [re_path("", seen)]
