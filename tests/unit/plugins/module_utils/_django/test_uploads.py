# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a Django project keeps uploads, as it says itself, and what nginx is to serve of that."""

from __future__ import annotations

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._django import media
from ansible_collections.pyweb.stack.plugins.module_utils._django.manage import Manage
from ansible_collections.pyweb.stack.plugins.module_utils._django.media import Places

MEDIA = "MEDIA_URL = 'media/'\nMEDIA_ROOT = os.path.join(BASE_DIR, 'media')\n"
URLS = """
from django.conf import settings
from django.conf.urls.static import static
from django.http import HttpResponse
from django.urls import path, re_path
from django.views.static import serve
urlpatterns = [{}]
"""
SERVE = 're_path(r"^media/(?P<path>.*)$", serve, {"document_root": settings.MEDIA_ROOT})'
SOURCE, STATE = "/srv/shop/sources/0a", "/var/lib/gunicorn-shop"
WANTED = {"url": "/media/", "path": "media", "protected": False}


@pytest.fixture
def found(project, release, run):
    """Return a function that asks a project with these settings and URLs."""

    def found(settings: str = "", patterns: str = ""):
        project({"mysite/urls.py": URLS.format(patterns)}, settings)
        script = f"from django.conf import settings\n{media.ASK}\ntell(media=media())"
        return Manage(f"{release}/venv/bin/python", run, "").ask(script, "it failed")["media"]

    return found


def test_a_project_says_where_its_uploads_are(found, tmp_path):
    said = found(MEDIA)
    assert (said["url"], said["root"]) == ("/media/", str(tmp_path / "source/media"))
    assert (said["modes"], said["served"]) == (0o644, False)


@pytest.mark.alike
@pytest.mark.parametrize(
    "settings",
    [
        "",
        "MEDIA_URL = '/media/'",
        "MEDIA_ROOT = '/files'",
        "MEDIA_URL = 'https://cdn.example.com/'\nMEDIA_ROOT = '/files'",
        f"{MEDIA}STORAGES = {{'default': {{'BACKEND': 'django.core.files.storage.InMemoryStorage'}}, "
        "'staticfiles': {'BACKEND': 'django.contrib.staticfiles.storage.StaticFilesStorage'}}",
        f"{MEDIA}STORAGES = {{'default': {{'BACKEND': 'no.such.Storage'}}, "
        "'staticfiles': {'BACKEND': 'django.contrib.staticfiles.storage.StaticFilesStorage'}}",
    ],
)
def test_one_that_keeps_none_on_the_host_says_nothing(found, settings):
    assert found(settings) is None


@pytest.mark.parametrize(
    "databases", ["{}", "{'default': {}}", "{'default': {'ENGINE': 'django.db.backends.sqlite3'}}"]
)
def test_a_project_of_whatever_databases_is_asked(found, databases):
    assert found(f"{MEDIA}DATABASES = {databases}")["url"] == "/media/"


@pytest.mark.parametrize(
    ("patterns", "served"),
    [
        (SERVE, True),
        ('path("media/<path:name>", lambda request, name: HttpResponse())', True),
        # As in the tutorial: nothing without DEBUG.
        ("*static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT)", False),
        ('re_path(r"^.*$", lambda request: HttpResponse())', False),
        ("no_such_name", False),
        ("exit(1)", False),
    ],
)
def test_a_view_that_serves_them_is_found(found, patterns, served):
    assert found(MEDIA, patterns)["served"] is served


def _found(**given) -> dict:
    databases = [f"{STATE}/db.sqlite3", f"{SOURCE}/db.sqlite3", ":memory:"]
    return {
        "url": "/media/",
        "root": f"{SOURCE}/media",
        "modes": 0o644,
        "served": False,
        "databases": databases,
        **given,
    }


@pytest.mark.parametrize(
    ("shared", "given", "says"),
    [
        (("media",), {}, "Nobody serves MEDIA_URL, /media/, yet: set gunicorn_media: {url: /media/, path: media}."),
        (
            (),
            {},
            "set gunicorn_shared_paths: [media], without which the app can't write there, and gunicorn_media: {url: /media/",
        ),
        ((), {"root": f"{STATE}/up"}, "set gunicorn_media: {url: /media/, path: up}."),
        (
            (),
            {"root": "/data"},
            "and MEDIA_ROOT is /data. Have that os.path.join(os.environ['STATE_DIRECTORY'], 'media'), and set",
        ),
    ],
)
def test_what_nobody_serves_is_said_with_what_does_it(shared, given, says):
    assert says in Places(SOURCE, STATE, shared).message(_found(**given))


def test_nothing_is_said_of_what_is_served():
    assert Places(SOURCE, STATE, ("media",)).message(_found(served=True)) is None
    assert Places(SOURCE, STATE, ("media",)).message(None) is None
    places = Places(SOURCE, STATE, ("media",), WANTED)
    assert (places.message(_found()), places.fault(_found()), places.fault(None)) == (None, None, None)


def test_files_that_nginx_can_t_read_are_foretold():
    places = Places(SOURCE, STATE, ("media",), WANTED)
    assert "FILE_UPLOAD_PERMISSIONS is None" in places.message(_found(modes=None))
    assert "FILE_UPLOAD_PERMISSIONS is 0o600" in places.message(_found(modes=0o600))
    assert places.message(_found(modes=0o640)) is None


def test_another_url_is_said():
    places = Places(SOURCE, STATE, ("media",), WANTED)
    assert "MEDIA_URL is /files/, but gunicorn_media has the url /media/" in places.message(_found(url="/files/"))


@pytest.mark.parametrize(
    ("shared", "wanted", "given", "says"),
    [
        (
            (),
            {},
            {},
            "set gunicorn_shared_paths: ['media'], and name 'media' as the path".replace("['media']", "[media]"),
        ),
        (("uploads",), {}, {"root": f"{SOURCE}/uploads"}, "name 'uploads' as the path"),
        ((), {}, {"root": "/data/media"}, "have it os.path.join(os.environ['STATE_DIRECTORY'], 'media')"),
        (("data",), {"path": "data"}, {"databases": [f"{SOURCE}/data/db.sqlite3"]}, "also holds the database"),
        ((), {"path": "x", "protected": True}, {"databases": [f"{STATE}/x/a/db.sqlite3"]}, "also holds the database"),
    ],
)
def test_what_can_t_be_meant_is_refused(shared, wanted, given, says):
    assert says in Places(SOURCE, STATE, shared, {**WANTED, **wanted}).fault(_found(**given))


def test_another_storage_can_be_protected():
    places = Places(SOURCE, STATE, (), {**WANTED, "path": "invoices", "protected": True})
    assert places.fault(_found(root=f"{STATE}/media")) is None
