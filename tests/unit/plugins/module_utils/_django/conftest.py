# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Projects of a real Django, whose commands run by themselves instead of in a unit."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import textwrap

import django
import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._django import static_root
from ansible_collections.pyweb.stack.plugins.module_utils._release import unit_files
from ansible_collections.pyweb.stack.plugins.module_utils._text import naming
from ansible_collections.pyweb.stack.plugins.module_utils._venv import startup

NOISE = 'print("noise of the project", end="")\n'
PROJECT = {
    "manage.py": f"""
        import atexit, os, sys
        {NOISE}
        atexit.register(print, "and more of it")
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
        if __name__ == "__main__":
            from django.core.management import execute_from_command_line
            execute_from_command_line(sys.argv)
    """,
    "mysite/__init__.py": "",
    "mysite/urls.py": "urlpatterns = []",
    "mysite/wsgi.py": """
        import os
        from django.core.wsgi import get_wsgi_application
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
        application = get_wsgi_application()
    """,
    "mysite/settings.py": """
        import os
        BASE_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        SECRET_KEY = "only for tests" * 5
        ALLOWED_HOSTS = ["example.com"]
        INSTALLED_APPS = ["django.contrib.staticfiles", "shop"]
        ROOT_URLCONF = "mysite.urls"
        STATIC_URL = "static/"
        STATICFILES_DIRS = [os.path.join(BASE_DIR, "assets")]
        DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.path.join(BASE_DIR, "db.sqlite3")}}
        DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
    """,
    "assets/site.css": "body {}",
    "shop/__init__.py": "",
    "shop/models.py": """
        from django.db import models
        class Book(models.Model):
            title = models.CharField(max_length=50)
    """,
    "shop/migrations/__init__.py": "",
    "shop/migrations/0001_initial.py": """
        from django.db import migrations, models
        class Migration(migrations.Migration):
            operations = [
                migrations.CreateModel("Book", [
                    ("id", models.BigAutoField(primary_key=True, auto_created=True, serialize=False, verbose_name="ID")),
                    ("title", models.CharField(max_length=50)),
                ]),
            ]
    """,
}


@pytest.fixture(scope="session")
def venv(tmp_path_factory) -> pathlib.Path:
    """Return an environment as the role has them, with the tests' own Django."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/python3*/site-packages")
    (packages / "django.pth").write_text(str(pathlib.Path(django.__file__).parents[1]), encoding="utf-8")
    startup.install(str(folder))
    return folder


@pytest.fixture
def project(tmp_path, write):
    """Write a project, with these files in place of the usual ones and `settings` at the end of the usual ones."""

    def project(files: dict[str, str] | None = None, settings: str = "") -> pathlib.Path:
        texts = {name: textwrap.dedent(text) for name, text in {**PROJECT, **(files or {})}.items()}
        texts["mysite/settings.py"] += textwrap.dedent(settings)
        return write(tmp_path / "source", texts)

    return project


@pytest.fixture
def release(tmp_path, venv) -> pathlib.Path:
    """Return the folder of a release without its static files."""
    folder = tmp_path / "release"
    folder.mkdir()
    (folder / "venv").symlink_to(venv)
    (folder / "src").symlink_to(tmp_path / "source")
    (folder / unit_files.START).write_text(static_root.START, encoding="utf-8")
    return folder


@pytest.fixture
def run(tmp_path, release):
    """Run a command of the release as its service would, but for the sandbox; the lines for its unit are in `run.also`."""

    def run(argv, also):
        run.also += also
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            naming.START_VARIABLE: str(release / unit_files.START),
            **run.environment,
        }
        return subprocess.run(
            argv, cwd=tmp_path / "source", env=environment, capture_output=True, text=True, check=False
        )

    run.also = []
    run.environment = {"DJANGO_SETTINGS_MODULE": "mysite.settings"}
    return run
