from django.contrib.auth.decorators import login_required
from django.core.files.storage import default_storage
from django.http import JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt


@login_required
def page(request):
    """Take a file, and show which there are."""
    if request.method == "POST":
        file = request.FILES["file"]
        default_storage.save(file.name, file)
        return redirect("/")
    names = default_storage.listdir("")[1] if default_storage.exists("") else []
    return render(request, "page.html", {"urls": [(name, default_storage.url(name)) for name in names]})


@csrf_exempt
def echo(request):
    """Tell what of a request arrived here."""
    told = {key: value for key, value in request.META.items() if isinstance(value, str)}
    said = {"host": request.get_host(), "secure": request.is_secure(), "path": request.path}
    return JsonResponse({**said, "body": request.body.decode("latin-1"), "told": told})
