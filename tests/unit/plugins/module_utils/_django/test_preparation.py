# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release of a real Django project gets its static files before anything of it is loaded, and no DEBUG."""

from __future__ import annotations

import os
import pathlib
import pwd
import re
import stat

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._django import manage
from ansible_collections.pyweb.stack.plugins.module_utils._django.media import Places
from ansible_collections.pyweb.stack.plugins.module_utils._django.preparation import Preparation
from ansible_collections.pyweb.stack.plugins.module_utils._django.project import DjangoError
from ansible_collections.pyweb.stack.plugins.module_utils._serving import assets

USER = pwd.getpwuid(os.getuid()).pw_name
MANIFEST = """
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}}
"""


@pytest.fixture
def prepare(tmp_path, release, run, as_root):
    """Prepare the release, and return what the preparation has to tell."""

    def prepare(collectstatic: bool = True, allow_debug: bool = False, check: bool = False, **places) -> Preparation:
        where = Places(str(tmp_path / "source"), str(tmp_path / "state"), **places)
        preparation = Preparation(where, where.source, collectstatic, allow_debug, ["default"], check)
        preparation.before_load(str(release), USER, run)
        return preparation

    return prepare


def _files(folder: pathlib.Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_static_files_lie_as_their_urls_and_are_sealed(project, prepare, release, run):
    project(settings="STATIC_URL = '/files/of/shop/'\nSTATIC_ROOT = '/nowhere/to/write'")
    assert prepare().messages == []
    assert _files(release / "static") == ["files/of/shop/site.css"]
    assert run.also == [("ReadWritePaths", f"{release}/static")]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (release / "static").rglob("*")}
    assert modes == {0o755, 0o644}


def test_it_is_known_where_the_project_runs(project, prepare):
    project(settings="raise OSError(30, 'Read-only file system', 'uploads')")
    with pytest.raises(DjangoError, match="The app writes to its own release"):
        prepare()


def test_django_makes_its_check_while_it_is_loaded_for_that(project, prepare):
    project(settings="STATIC_ROOT = '/nowhere/to/write'")
    prepared = prepare(check=True)
    told = prepared.told
    assert told["migrations"] == ["shop.0001_initial"]
    assert [*prepared.record] == ["migrations"]
    assert told["deployed"]["failure"] is None
    assert "security.W001" in told["deployed"]["said"]
    assert told["states"]["default"]["unapplied"] == [["shop", "0001_initial"]]
    unasked = prepare(collectstatic=False)
    assert (unasked.told, unasked.record) == (None, {})


@pytest.mark.parametrize("collectstatic", [True, False])
def test_what_the_check_finds_is_no_fault_of_the_static_files(project, prepare, collectstatic):
    project({"mysite/urls.py": "import nowhere"})
    told = prepare(collectstatic, check=True).told
    assert "No module named 'nowhere'" in told["deployed"]["failure"]


@pytest.mark.alike
@pytest.mark.parametrize("root", ["", "STATIC_ROOT = os.path.join(BASE_DIR, 'collected')"])
def test_a_manifest_is_there_for_who_asks_for_it_while_the_project_is_loaded(project, prepare, release, run, root):
    asks = "from django.contrib.staticfiles.storage import staticfiles_storage\nURL = staticfiles_storage.url('site.css')\n"
    project({"mysite/urls.py": f"{asks}urlpatterns = []\n"}, MANIFEST + root)
    prepare()
    assert "static/staticfiles.json" in _files(release / "static")
    done = run([f"{release}/venv/bin/python", "-c", "import mysite.wsgi, mysite.urls as u; print(u.URL)"], [])
    assert done.stdout.strip().startswith("/static/site.")
    assert f"static{done.stdout.strip().removeprefix('/static')}" in _files(release / "static")


@pytest.mark.alike
@pytest.mark.parametrize(
    ("dirs", "folder"),
    [
        ("['assets', 'vite/dist']", "static"),
        ("['assets', ('web', 'vite/dist')]", "static/web"),
        # The first one that a finder has is the one that is collected, too.
        ("['assets', 'vite/dist', 'vite/older']", "static"),
        ("['assets']\nSTATIC_ROOT = 'vite/dist'", "static"),
    ],
)
def test_what_vite_names_by_its_content_is_known_for_that(project, prepare, release, dirs, folder):
    manifest = '{"src/main.ts": {"file": "assets/main-BfX9c2Qk.js", "isEntry": true}}'
    files = {
        "vite/dist/.vite/manifest.json": manifest,
        "vite/dist/assets/main-BfX9c2Qk.js": "",
        "vite/dist/assets/my-calendar.js": "",
        "vite/dist/.git/config": "",
        "vite/older/.vite/manifest.json": "{}",
    }
    absolute = re.sub(r"'(assets|vite/\w+)'", r"os.path.join(BASE_DIR, '\1')", dirs)
    project(files, f"STATICFILES_DIRS = {absolute}")
    prepare()
    found = [f"{folder}/{name}" for name in (".vite/manifest.json", "assets/main-BfX9c2Qk.js", "assets/my-calendar.js")]
    assert _files(release / "static") == sorted([*found, "static/site.css"])
    assert (release / "static" / found[0]).read_text() == manifest
    assert assets.named_by_content(str(release / "static")) == {found[1]}


@pytest.mark.alike
@pytest.mark.parametrize(
    ("settings", "made"),
    [
        ("COMPRESS_OFFLINE = True", ["static/CACHE/manifest.json"]),
        ("COMPRESS_OFFLINE = True\nCOMPRESS_ENABLED = False", []),
        ("", []),
    ],
)
def test_what_django_compressor_makes_beforehand_is_among_them(project, prepare, release, settings, made):
    command = """
        import os
        from django.conf import settings
        from django.core.management.base import BaseCommand
        class Command(BaseCommand):
            def handle(self, **_options):
                assert os.path.exists(os.path.join(settings.STATIC_ROOT, "site.css"))
                os.mkdir(os.path.join(settings.STATIC_ROOT, "CACHE"))
                open(os.path.join(settings.STATIC_ROOT, "CACHE/manifest.json"), "w").close()
    """
    package = dict.fromkeys(["compressor/__init__.py", "compressor/management/__init__.py"], "")
    files = {
        **package,
        "compressor/management/commands/__init__.py": "",
        "compressor/management/commands/compress.py": command,
    }
    project(files, f"INSTALLED_APPS += ['compressor']\n{settings}")
    prepare()
    assert _files(release / "static") == [*made, "static/site.css"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("INSTALLED_APPS = ['shop']", "The release has no static files: django.contrib.staticfiles is not installed."),
        ("STATIC_URL = None", "The release has no static files: STATIC_URL is not set."),
    ],
)
def test_a_project_without_static_files(project, prepare, release, settings, said):
    project(settings=settings)
    assert prepare().messages == [said]
    assert _files(release / "static") == []


def test_files_that_are_not_wanted(project, prepare, release, run):
    project()
    prepare(collectstatic=False)
    assert not (release / "static").exists()
    assert run.also == []


def test_files_that_the_source_has_in_its_own_root_are_served_too_after_its_others(project, prepare, release):
    built = {"collected/site.css": "old", "collected/built/app.js": "run()", "collected/.gitkeep": ""}
    source = project(built, f"STATIC_ROOT = os.path.join(BASE_DIR, 'collected')\n{MANIFEST}")
    (message,) = prepare().messages
    assert message == f"The files that the source has in its own STATIC_ROOT, {source}/collected, are served, too."
    assert (release / "static/static/site.css").read_text(encoding="utf-8") == "body {}"
    assert any(name.startswith("static/built/app.") for name in _files(release / "static"))
    assert '"built/app.js"' in (release / "static/static/staticfiles.json").read_text(encoding="utf-8")


@pytest.mark.alike
@pytest.mark.parametrize(
    "root",
    ["BASE_DIR", "os.path.join(BASE_DIR, 'shop')", "'/usr/share/doc'", "os.path.join(BASE_DIR, 'empty')", "''"],
)
def test_a_root_that_is_not_for_everybody(project, prepare, release, root):
    project({"empty/.gitkeep": ""}, f"STATIC_ROOT = {root}")
    assert prepare().messages == []
    assert _files(release / "static") == ["static/site.css"]


@pytest.mark.alike
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            "DEBUG = os.environ.get('SHOP_DEBUG', 'True') == 'True'",
            "DEBUG is True in .*gunicorn_env: {SHOP_DEBUG: 'False'}",
        ),
        ("DEBUG = os.getenv('DEBUG', 'False')", "DEBUG is the text 'False', which counts as true, .*: {DEBUG: ''}"),
        (
            "if os.environ.setdefault('SHOP_ENV', 'dev') != 'production':\n    DEBUG = True",
            r"SHOP_ENV in gunicorn_env, such as SHOP_ENV: production, may choose other settings",
        ),
        ("DEBUG = 1 == 1", "a variable in gunicorn_env may decide it"),
    ],
)
def test_the_variable_that_decides_of_debug_is_named(project, prepare, settings, said):
    project(settings=settings)
    with pytest.raises(DjangoError, match=said):
        prepare()


THREAD = """
import threading, time
from django.apps import AppConfig
class Shop(AppConfig):
    name = "shop"
    def ready(self):
        threading.Thread(target=time.sleep, args=({}), name="ticker", daemon={}).start()
"""


def test_threads_that_keep_each_command_from_its_end_are_refused(project, prepare, monkeypatch):
    monkeypatch.setattr(manage, "LASTING", 0.5)
    project({"shop/apps.py": THREAD.format("60,", False)})
    with pytest.raises(
        DjangoError, match=r"threads as it is loaded, .* don't end \(ticker\), .*: start them with daemon=True"
    ):
        prepare()


@pytest.mark.parametrize("thread", [("60,", True), ("0.1,", False)])
def test_other_threads_are_not(project, prepare, thread):
    project({"shop/apps.py": THREAD.format(*thread)})
    assert prepare().messages == []


@pytest.mark.alike
@pytest.mark.parametrize("collectstatic", [True, False])
def test_debug_is_refused(project, prepare, release, collectstatic):
    project(settings="DEBUG = True")
    with pytest.raises(DjangoError, match=r"^DEBUG is True in mysite.settings, .* set django_allow_debug: true"):
        prepare(collectstatic)
    assert not collectstatic or _files(release / "static") == []
    if not collectstatic:
        prepare(collectstatic, allow_debug=True)


def test_what_fails_is_told(project, prepare):
    project(settings="raise RuntimeError('no such place')")
    with pytest.raises(
        DjangoError,
        match=r"^the static files can't be collected:\nRuntimeError: no such place\n(.*\n)*.*mysite/settings.py, line",
    ):
        prepare()


def test_what_ends_without_a_word_is_told(project, prepare):
    project({"manage.py": "import sys\nsys.exit(3)\n"})
    with pytest.raises(DjangoError, match=r"manage.py shell ends with exit status 3"):
        prepare(collectstatic=False)


def test_the_project_prepares_itself_in_its_manage_py(project, prepare, release):
    manage = """
        import os, sys
        sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "inner"))
        os.environ["PLACE"] = "production"
        from django.core.management import execute_from_command_line
        execute_from_command_line(sys.argv)
    """
    files = {"manage.py": manage, "inner/lent/__init__.py": "", "inner/lent/static/lent.css": ""}
    project(files, "assert os.environ['PLACE'] == 'production'\nINSTALLED_APPS += ['lent']")
    prepare()
    assert _files(release / "static") == ["static/lent.css", "static/site.css"]


def test_what_is_loaded_must_be_what_was_asked(project, prepare):
    project()
    preparation = prepare()
    preparation.loaded({"workers": 1})
    preparation.loaded({"django": {"settings_module": "mysite.settings", "debug": False}})
    with pytest.raises(
        DjangoError, match=r"gunicorn_wsgi_app brings the settings mysite.other, but manage.py takes mysite"
    ):
        preparation.loaded({"django": {"settings_module": "mysite.other", "debug": False}})
    with pytest.raises(DjangoError, match=r"^DEBUG is True in mysite.settings"):
        preparation.loaded({"django": {"settings_module": "mysite.settings", "debug": True}})


@pytest.mark.alike
@pytest.mark.parametrize(
    ("failure", "migrated", "later"),
    [
        ("django.db.utils.OperationalError: no such table: shop_book", False, True),
        ("django.db.utils.OperationalError: no such table: shop_book", True, False),
        ("ModuleNotFoundError: No module named 'shop.books'", False, False),
    ],
)
def test_an_app_that_can_only_be_loaded_after_its_migrations(project, prepare, release, run, failure, migrated, later):
    project()
    preparation = prepare()
    if migrated:
        run([f"{release}/venv/bin/python", "manage.py", "migrate"], [])
    assert preparation.later(failure, str(release), run) is later
    assert ["tables that its migrations make" in message for message in preparation.messages] == [True] * later


def test_uploads_that_nobody_serves_are_told_of(project, prepare):
    settings = "MEDIA_URL = '/media/'\nMEDIA_ROOT = os.path.join(BASE_DIR, 'media')"
    project(settings=settings)
    assert ["gunicorn_media: {url: /media/, path: media}" in each for each in prepare().messages] == [True]


def test_a_folder_that_is_not_the_project_s_is_refused(project, prepare):
    project(settings="MEDIA_URL = '/media/'\nMEDIA_ROOT = os.path.join(BASE_DIR, 'media')")
    with pytest.raises(DjangoError, match="the project writes to MEDIA_ROOT"):
        prepare(media={"url": "/media/", "path": "uploads", "protected": False}, shared=("media",))


@pytest.mark.alike
@pytest.mark.parametrize(
    ("static", "url"),
    [("/static/", "/static/"), ("/files/static/", "/files/"), ("/", "/css/"), ("/static/", "/static/css/")],
)
def test_a_url_at_which_uploads_would_hide_static_files_is_refused(project, prepare, static, url):
    project({"shop/static/css/site.css": "a {}"}, f"STATIC_URL = '{static}'\nMEDIA_URL = '/elsewhere/'")
    with pytest.raises(DjangoError, match=f"gunicorn_media has the url '{url}', where static files are"):
        prepare(media={"url": url, "path": "media", "protected": False})


@pytest.mark.alike
@pytest.mark.parametrize("url", ["/media/", "/static/media/", "/stat/"])
def test_one_at_which_there_are_none_is_not(project, prepare, url):
    project(settings="STATIC_URL = '/static/'")
    prepare(media={"url": url, "path": "media", "protected": False})
