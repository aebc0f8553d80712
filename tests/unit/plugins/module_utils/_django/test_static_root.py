# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Django finds the static files of its release, whoever is first to ask."""

from __future__ import annotations

import json

import pytest

ASK = "import json\nfrom django.conf import settings\nprint(json.dumps([type(settings.STATIC_ROOT).__name__, str(settings.STATIC_ROOT)]))"


@pytest.fixture
def python(run, release):
    """Run Python code in the release and return what it printed."""

    def python(code: str) -> str:
        done = run([f"{release}/venv/bin/python", "-c", code], [])
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout.strip()

    return python


WHERE = {
    "": ["str", "static/static"],
    "STATIC_URL = '/files/of/shop/'": ["str", "static/files/of/shop"],
    "STATIC_URL = 'https://cdn.example.com/x/'": ["str", "static/x"],
    "STATIC_URL = '/'": ["str", "static"],
    "STATIC_URL = '/../../etc/'": ["str", "static/etc"],
    "FORCE_SCRIPT_NAME = '/shop'": ["str", "static/shop/static"],
    "FORCE_SCRIPT_NAME = '/shop'\nSTATIC_URL = '/s/'": ["str", "static/s"],
    "STATIC_ROOT = '/of/its/own'": ["str", "static/static"],
    "import pathlib\nSTATIC_ROOT = pathlib.Path('/x')": ["PosixPath", "static/static"],
    "STATIC_URL = None": ["NoneType", "None"],
}


def test_where_it_looks(project, python, release):
    settings = {f"mysite/at{number}.py": f"STATIC_URL = 'static/'\n{text}\n" for number, text in enumerate(WHERE)}
    project(settings)
    # All in one process: what a module of settings comes to is no other's business.
    asked = f"""
import json
from django.conf import Settings
roots = [Settings("mysite.at%d" % number).STATIC_ROOT for number in range({len(WHERE)})]
print(json.dumps([[type(root).__name__, str(root)] for root in roots]))
"""
    found = json.loads(python(asked))
    assert dict(zip(WHERE, [[kind, root.removeprefix(f"{release}/")] for kind, root in found], strict=True)) == WHERE


def test_it_is_where_django_itself_has_the_urls(project, python):
    project(settings="FORCE_SCRIPT_NAME = '/shop'")
    asked = "import django\ndjango.setup()\nfrom django.conf import settings\nprint(settings.STATIC_ROOT, settings.STATIC_URL)"
    root, url = python(asked).split()
    assert root.endswith(f"/static{url.rstrip('/')}")


@pytest.mark.parametrize(
    ("settings", "urls"),
    [
        ("MEDIA_URL = 'media/'", ["/static/", "/media/"]),
        ("FORCE_SCRIPT_NAME = '/shop'\nMEDIA_URL = 'media/'", ["/shop/static/", "/shop/media/"]),
        ("STATIC_URL = 'https://cdn.example.com/'\nMEDIA_URL = '/m/'", ["https://cdn.example.com/", "/m/"]),
    ],
)
def test_urls_are_the_same_whichever_prefix_is_asked_first(project, python, settings, urls):
    project(settings=settings)
    asked = """
import django
django.setup()
from django.conf import settings
from django.urls import set_script_prefix
set_script_prefix("/elsewhere/")
print(settings.STATIC_URL, settings.MEDIA_URL)
"""
    assert python(asked).split() == urls


def test_settings_that_are_only_asked_for_later_and_storages_that_are_made_at_once_agree(project, python, release):
    project(
        {"shop/__init__.py": "from django.contrib.staticfiles.storage import staticfiles_storage as s\ns.location\n"}
    )
    asked = "import django\ndjango.setup()\nimport shop\nprint(shop.s.location)"
    assert python(asked) == f"{release}/static/static"


OWN = """
import pathlib
BASE = pathlib.Path(BASE_DIR)
STATIC_ROOT = BASE / "public"
COMPRESS_ROOT = STATIC_ROOT
SASS_ROOT = str(STATIC_ROOT) + "/css/"
VITE = {"default": {"manifest_path": BASE / "public/.vite/manifest.json", "dev_mode": False}}
MEDIA_ROOT = BASE / "public/media"
THUMBNAILS = BASE / "public/media/thumbs"
BESIDE = BASE / "public-too"
PREFIX = "public"
"""


def test_settings_that_the_project_computes_of_its_static_root_follow_and_what_it_writes_stays(
    project, python, release
):
    project(settings=OWN)
    names = ["COMPRESS_ROOT", "SASS_ROOT", "VITE", "MEDIA_ROOT", "THUMBNAILS", "BESIDE", "PREFIX", "DATABASES"]
    asked = f"""
import os, sys
sys.path.insert(0, os.getcwd())
from django.conf import settings
base = settings.BASE_DIR
texts = [repr(getattr(settings, name)) for name in {names}]
print("\\n".join(text.replace({str(release)!r}, "RELEASE").replace(base, "BASE") for text in texts))
"""
    found = python(asked).splitlines()
    assert found[:3] == [
        "PosixPath('RELEASE/static/static')",
        "'RELEASE/static/static/css'",
        "{'default': {'manifest_path': PosixPath('RELEASE/static/static/.vite/manifest.json'), 'dev_mode': False}}",
    ]
    assert found[3:7] == [
        "PosixPath('BASE/public/media')",
        "PosixPath('BASE/public/media/thumbs')",
        "PosixPath('BASE/public-too')",
        "'public'",
    ]
    assert "'BASE/db.sqlite3'" in found[7]


@pytest.mark.parametrize("root", ["BASE_DIR", "os.path.dirname(BASE_DIR)", "'/static'", "'public'"])
def test_a_static_root_that_may_mean_something_else_moves_no_other_setting(project, python, root):
    project(
        settings=f"STATIC_ROOT = {root}\nSTATIC_URL = '/static/'\nNAMED = '/static/'\nOWN = 'public'\nHOME = BASE_DIR"
    )
    asked = "from django.conf import settings as s\nprint(s.STATIC_URL, s.NAMED, s.OWN, s.HOME == s.BASE_DIR, 'static/static' in s.BASE_DIR)"
    assert python(asked) == "/static/ /static/ public True False"


def test_settings_of_a_package_in_the_place_of_djangos_have_it_too(project, python, release):
    # As dynaconf has them.
    other = """
STATIC_ROOT = "/var/www/static"
import sys
from django import conf
class Own:
    pass
own = Own()
own.STATIC_ROOT = STATIC_ROOT
class Instead:
    def __getattribute__(self, name):
        return own if name == "settings" else getattr(conf, name)
sys.modules["django.conf"] = Instead()
conf.settings = own
"""
    project(settings=other)
    asked = "from django.conf import settings\nsettings.DEBUG\nfrom django.conf import settings\nprint(type(settings).__name__, settings.STATIC_ROOT)"
    assert python(asked) == f"Own {release}/static/static"


def test_nothing_is_imported_before_somebody_wants_it(project, python):
    project()
    python(
        "import sys\nassert not {'django', 'django.conf', 'importlib.util', 'urllib'} & set(sys.modules), sys.modules"
    )


def test_it_is_of_no_matter_who_else_waits_for_imports(project, python, release):
    project()
    other = """
import importlib.util, sys
class Other:
    busy = False
    def find_spec(self, name, path=None, target=None):
        if name == "django.conf" and not self.busy:
            self.busy = True
            return importlib.util.find_spec(name)
sys.meta_path.insert(0, Other())
"""
    assert json.loads(python(other + ASK)) == ["str", f"{release}/static/static"]
