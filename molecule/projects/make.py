"""Lay the projects out in a folder of their own: those that are here, and those that a template's command makes.

Runs on the controller. Arguments: the folder, the path of a library that one of them brings, and projects.yml's list as JSON.
"""

import json
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
GUESTBOOK = HERE.parents[1] / "examples/django/guestbook"
URLS = 'from guestbook import views\n\nurlpatterns.insert(0, path("", views.book, name="book"))\n'


def uvx(package, *argv):
    """Run a command of a package that is no part of the developer's tools."""
    subprocess.run(["uvx", "--quiet", "--from", package, *argv], check=True)


def startproject(folder):
    """Make what Django's command makes, and change what its tutorial and its checklist change."""
    folder.mkdir()
    uvx("django~=5.2.0", "django-admin", "startproject", "mysite", str(folder))
    with open(folder / "mysite/settings.py", "a") as settings:
        settings.write(
            '\nDEBUG = False\nALLOWED_HOSTS = ["startproject.example.com"]\nINSTALLED_APPS.append("guestbook")\n'
        )
    with open(folder / "mysite/urls.py", "a") as urls:
        urls.write(URLS)
    (folder / "requirements.txt").write_text("django~=5.2.0\n")


def wagtail(folder):
    """Make what Wagtail's command makes, and change nothing."""
    folder.mkdir()
    uvx("wagtail", "wagtail", "start", "mysite", str(folder))


def main():
    """Lay them out anew."""
    work, library, projects = pathlib.Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(HERE, work, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    for make in (startproject, wagtail):
        make(work / make.__name__)
    for project in projects:
        if "guestbook" in project:
            shutil.copytree(GUESTBOOK, work / project["name"] / project["guestbook"])
    (work / "tools/vendor").mkdir()
    shutil.copy(library, work / "tools/vendor/libvendor.so")


if __name__ == "__main__":
    main()
