# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Django project is found by its files, without running them."""

from __future__ import annotations

import textwrap

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._django.project import (
    CONFIGURATION,
    SETTINGS,
    DjangoError,
    Project,
)

MANAGE = """#!/usr/bin/env python
import os
def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "{}")
"""
MYSITE = {"manage.py": MANAGE.format("mysite.settings"), "mysite/settings.py": "", "mysite/wsgi.py": ""}
# As larger projects have it: settings for each place, and one wsgi.py.
SPLIT = {"manage.py": MANAGE.format("config.settings.local"), "config/settings/local.py": "", "config/wsgi.py": ""}


def _split(wsgi: str) -> dict[str, str]:
    """Return a project with settings for each place, whose wsgi.py is this."""
    return {**SPLIT, "config/wsgi.py": f"import os\n{textwrap.dedent(wsgi)}\n"}


def _below(folder, files):
    return {f"{folder}/{name}": text for name, text in files.items()}


@pytest.mark.parametrize(
    ("files", "given", "found"),
    [
        pytest.param(MYSITE, {}, (".", "mysite.settings", "mysite.wsgi:application"), id="as startproject makes it"),
        pytest.param(_below("src", MYSITE), {}, ("src", "mysite.settings", "mysite.wsgi:application"), id="one down"),
        pytest.param(_below("a/b", MYSITE), {}, ("a/b", "mysite.settings", "mysite.wsgi:application"), id="two down"),
        pytest.param(
            {**MYSITE, **_below("docs/example", MYSITE)}, {},
            (".", "mysite.settings", "mysite.wsgi:application"), id="the top before others",
        ),
        pytest.param(
            {**_below("a", MYSITE), **_below("b", SPLIT)}, {"chdir": "./b/"},
            ("b", "config.settings.local", "config.wsgi:application"), id="the named one of several",
        ),
        pytest.param(SPLIT, {}, (".", "config.settings.local", "config.wsgi:application"), id="settings in a package"),
        pytest.param(
            SPLIT, {"given": {SETTINGS: "config.settings.production"}},
            (".", "config.settings.production", "config.wsgi:application"), id="other settings",
        ),
        pytest.param(
            MYSITE, {"wsgi_app": "mysite.asgi:application"},
            (".", "mysite.settings", "mysite.asgi:application"), id="another application",
        ),
        pytest.param(
            {**MYSITE, "manage.py": MANAGE.format("mysite.settings").replace('"', "'").replace(", ", ",\n    ")}, {},
            (".", "mysite.settings", "mysite.wsgi:application"), id="another hand",
        ),
        pytest.param(
            {**MYSITE, "manage.py": f"# {MANAGE.format('old').splitlines()[-1]}\n{MYSITE['manage.py']}"}, {},
            (".", "mysite.settings", "mysite.wsgi:application"), id="a comment does not count",
        ),
    ],
)  # fmt: skip
def test_a_project(tmp_path, write, files, given, found):
    project = Project(**{"chdir": ".", **given, "source": str(write(tmp_path, files))})
    assert (project.chdir, project.settings_module, project.wsgi_app) == found
    assert project.env == {SETTINGS: found[1]}


@pytest.mark.parametrize(
    ("files", "given", "said"),
    [
        pytest.param({"app.py": ""}, {}, r"gunicorn_chdir is '.', .* manage.py .* there is none", id="no project"),
        pytest.param(MYSITE, {"chdir": "src"}, r"gunicorn_chdir is 'src', .* there is none", id="not there"),
        pytest.param(
            {**_below("b", MYSITE), **_below("a", MYSITE)}, {},
            "there is several: a/manage.py, b/manage.py", id="several",
        ),
        pytest.param(
            {**MYSITE, "manage.py": ""}, {}, "django_settings_module is not set, .*: set it", id="no settings"
        ),
        pytest.param(
            {"manage.py": "", "book/migrations/0002_settings.py": "", "book/settings/__init__.py": "",
             "book/settings/base.py": "", "book/settings/test.py": "", "book/views.py": ""}, {},
            "set it, for instance to one of book.settings.base, book.settings.test$", id="settings that nothing names",
        ),
        pytest.param(
            {**MYSITE, "a/wsgi.py": "", "b/wsgi.py": "", "mysite/wsgi.py": "", "manage.py": MANAGE.format("settings")}, {},
            "gunicorn_wsgi_app is not set, and there are several wsgi.py: a.wsgi, b.wsgi, mysite.wsgi; set it, for instance",
            id="several wsgi.py",
        ),
        pytest.param({**MYSITE, "mysite/wsgi.py": "def ("}, {}, "mysite/wsgi.py can't be read as Python", id="no Python"),
        pytest.param(
            _split(wsgi=f"""
                if os.environ.get("PLACE") == "here":
                    os.environ.setdefault({SETTINGS!r}, "config.settings.local")
                os.environ.setdefault({SETTINGS!r}, "config.settings.production")"""), {},
            "django_settings_module is not set, and config/wsgi.py has several for DJANGO_SETTINGS_MODULE: "
            "config.settings.local, config.settings.production; set it to the one that is to serve", id="several names",
        ),
        pytest.param(
            _split(wsgi=f'os.environ.setdefault({SETTINGS!r}, "config.settings.a" if LIVE else "config.settings.b")'), {},
            "config/wsgi.py has several for DJANGO_SETTINGS_MODULE: config.settings.a, config.settings.b", id="in a condition",
        ),
        pytest.param(
            _split(wsgi=f'os.environ.setdefault({SETTINGS!r}, "config.settings." + os.environ["PLACE"])'), {},
            "config/wsgi.py computes DJANGO_SETTINGS_MODULE; set it to the one that is to serve", id="a computed name",
        ),
        pytest.param(
            {**_split(wsgi=f'load_dotenv()\nos.environ.setdefault({SETTINGS!r}, "config.settings.local")'),
             ".env": "# ours\nexport DJANGO_SETTINGS_MODULE='config.settings.production'\n"}, {},
            "config/wsgi.py has several for DJANGO_SETTINGS_MODULE: config.settings.local, config.settings.production",
            id="another in its .env",
        ),
        pytest.param(
            _split(wsgi=f'os.environ[{SETTINGS!r}] = "config.settings.production"'),
            {"given": {SETTINGS: "config.settings.local"}},
            "config/wsgi.py sets DJANGO_SETTINGS_MODULE to config.settings.production whatever the environment says, but "
            "django_settings_module has config.settings.local: let it use os.environ.setdefault, or set "
            "django_settings_module to config.settings.production", id="wsgi.py assigns another",
        ),
        pytest.param(
            {**_split(wsgi=f'os.environ.setdefault({SETTINGS!r}, "config.settings.production")'),
             "manage.py": f'import os\ndef main():\n    os.environ[{SETTINGS!r}] = "config.settings.local"\n'}, {},
            "manage.py sets DJANGO_SETTINGS_MODULE to config.settings.local whatever the environment says, but "
            "config/wsgi.py has config.settings.production", id="manage.py assigns another",
        ),
    ],
)  # fmt: skip
def test_a_project_that_is_not_clear(tmp_path, write, files, given, said):
    with pytest.raises(DjangoError, match=said):
        Project(**{"chdir": ".", **given, "source": str(write(tmp_path, files))})


@pytest.mark.parametrize(
    "wsgi",
    [
        'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")',
        'os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.production"',
        'os.environ.update(DJANGO_SETTINGS_MODULE="config.settings.production")',
        'os.environ.update({"DJANGO_SETTINGS_MODULE": "config.settings.production"})',
        'os.putenv("DJANGO_SETTINGS_MODULE", "config.settings.production")',
        'NAME = "config.settings.production"\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", NAME)',
        'os.environ["DJANGO_SETTINGS_MODULE"] = os.environ.get("DJANGO_SETTINGS_MODULE", "config.settings.production")',
        'os.environ.setdefault("DJANGO_SETTINGS_MODULE", config("DJANGO_SETTINGS_MODULE", default="config.settings.production"))',
        'if "DJANGO_SETTINGS_MODULE" not in os.environ:\n'
        '    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.production"',
    ],
)  # fmt: skip
def test_what_serves_says_which_settings(tmp_path, write, wsgi):
    project = Project(str(write(tmp_path, _split(wsgi))), ".")
    assert project.env == {SETTINGS: "config.settings.production"}
    (message,) = project.messages
    assert message == (
        "config/wsgi.py names config.settings.production as DJANGO_SETTINGS_MODULE, manage.py config.settings.local: the "
        "release and its commands get config.settings.production."
    )


def test_settings_that_were_given_need_no_word(tmp_path, write):
    wsgi = f'os.environ.setdefault({SETTINGS!r}, "config.settings.production")'
    project = Project(str(write(tmp_path, _split(wsgi))), ".", {SETTINGS: "config.settings.local"})
    assert (project.settings_module, project.messages) == ("config.settings.local", [])


def test_a_configuration_is_that_of_what_serves(tmp_path, write):
    wsgi = f"""
        os.environ.setdefault({SETTINGS!r}, "config.settings.local")
        os.environ.setdefault({CONFIGURATION!r}, "Production")"""
    files = _split(wsgi)
    files["manage.py"] += f'    os.environ.setdefault({CONFIGURATION!r}, "Development")\n'
    project = Project(str(write(tmp_path, files)), ".")
    assert project.env == {SETTINGS: "config.settings.local", CONFIGURATION: "Production"}
    assert "manage.py Development: the release and its commands get Production." in project.messages[0]


@pytest.mark.parametrize(
    ("files", "worker_class", "wsgi_app", "settings"),
    [
        pytest.param({"mysite/asgi.py": ""}, None, "mysite.asgi:application", {"worker_class": "asgi"}, id="asgi.py alone"),
        pytest.param({"mysite/asgi.py": ""}, "uvicorn_worker.UvicornWorker", "mysite.asgi:application", {}, id="its class"),
        pytest.param({"mysite/asgi.py": "", "mysite/wsgi.py": ""}, None, "mysite.wsgi:application", {}, id="both"),
        pytest.param({"mysite/asgi.py": "", "mysite/wsgi.py": ""}, "asgi", "mysite.asgi:application", {}, id="asgi's class"),
        pytest.param({}, None, "django.core.wsgi:get_wsgi_application()", {}, id="neither"),
        pytest.param({"wsgi.py": "", "mysite/wsgi.py": ""}, None, "mysite.wsgi:application", {}, id="beside the settings"),
        pytest.param({"wsgi.py": "", "other/wsgi.py": ""}, None, "wsgi:application", {}, id="at the top"),
        pytest.param({"web/wsgi.py": "", "tests/site/wsgi.py": "", "venv/pyvenv.cfg": "", "venv/x/wsgi.py": ""}, None,
                     "web.wsgi:application", {}, id="not in tests and environments"),
        pytest.param({"src/mysite/wsgi.py": ""}, None, "mysite.wsgi:application", {"pythonpath": "src"}, id="in src"),
    ],
)  # fmt: skip
def test_what_serves_is_found(tmp_path, write, files, worker_class, wsgi_app, settings):
    source = write(tmp_path, {"manage.py": MANAGE.format("mysite.settings"), **files})
    project = Project(str(source), ".", worker_class=worker_class)
    assert (project.wsgi_app, project.settings) == (wsgi_app, settings)
    assert bool(project.messages) is (wsgi_app.startswith("django."))


def test_websockets_that_wsgi_does_not_serve_are_mentioned(tmp_path, write):
    files = {"mysite/asgi.py": "from channels.routing import ProtocolTypeRouter\n", "mysite/wsgi.py": ""}
    source = str(write(tmp_path, {"manage.py": MANAGE.format("mysite.settings"), **files}))
    (message,) = Project(source, ".").messages
    assert message.endswith("which mysite.asgi routes, set gunicorn_wsgi_app: mysite.asgi:application.")
    assert Project(source, ".", wsgi_app="mysite.wsgi:application").messages == []
    assert Project(source, ".", worker_class="asgi").messages == []


def test_settings_are_those_of_the_file_in_src(tmp_path, write):
    wsgi = f'import os\nos.environ.setdefault({SETTINGS!r}, "mysite.production")\n'
    source = write(tmp_path, {"manage.py": MANAGE.format("mysite.local"), "src/mysite/wsgi.py": wsgi})
    assert Project(str(source), ".").settings_module == "mysite.production"


def test_nothing_is_read_by_a_link_that_leads_out(tmp_path, write):
    write(tmp_path, {"elsewhere/.env": f"{SETTINGS}=elsewhere.settings\n", "elsewhere/asgi.py": "import channels\n"})
    source = write(
        tmp_path / "source", _split(f'load_dotenv()\nos.environ.setdefault({SETTINGS!r}, "config.settings.local")')
    )
    (source / ".env").symlink_to(tmp_path / "elsewhere/.env")
    (source / "config/asgi.py").symlink_to(tmp_path / "elsewhere/asgi.py")
    project = Project(str(source), ".")
    assert (project.settings_module, project.messages) == ("config.settings.local", [])
    (source / "manage.py").rename(tmp_path / "elsewhere/manage.py")
    (source / "manage.py").symlink_to(tmp_path / "elsewhere/manage.py")
    with pytest.raises(DjangoError, match=r"manage\.py of the project can't be read: it leads out of its folder"):
        Project(str(source), ".")


def test_a_file_that_no_parser_comes_to_the_end_of(tmp_path, write):
    write(tmp_path, {**MYSITE, "mysite/wsgi.py": f"a = {'-' * 100_000}1"})
    with pytest.raises(DjangoError, match=r"mysite/wsgi\.py can't be read as Python"):
        Project(str(tmp_path), ".")
