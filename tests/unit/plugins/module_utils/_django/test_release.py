# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release of a real Django project, proved by a real gunicorn, in the order that works for all."""

from __future__ import annotations

import os
import pwd
import shlex
import subprocess

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._django.media import Places
from ansible_collections.pyweb.stack.plugins.module_utils._django.preparation import Preparation
from ansible_collections.pyweb.stack.plugins.module_utils._django.project import DjangoError
from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn import plans
from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn.proof import ProofError
from ansible_collections.pyweb.stack.plugins.module_utils._host import systemd
from ansible_collections.pyweb.stack.plugins.module_utils._nginx import server
from ansible_collections.pyweb.stack.plugins.module_utils._release.releases import Inputs, Release
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store

ASKS = """
    from django.contrib.staticfiles.storage import staticfiles_storage
    class Middleware:
        def __init__(self, get_response):
            assert staticfiles_storage.url("site.css") != "/static/site.css"
"""
COUNTS = """
    from shop.models import Book
    class Middleware:
        def __init__(self, get_response):
            Book.objects.count()
"""
WITH_MIDDLEWARE = """
MIDDLEWARE = ["shop.middleware.Middleware"]
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}}
"""


@pytest.fixture
def make(tmp_path, venv, as_root, monkeypatch):
    """Make a release of the project in `source`, and return its record and what was told."""
    monkeypatch.setattr(server, "ETC", str(tmp_path / "nginx"))
    monkeypatch.setattr(systemd, "verify", lambda _units: None)

    def run(_app, properties, argv, *_more, **_how):
        given = [value for name, value in properties if name == "Environment"]
        environment = dict(one.split("=", 1) for value in given for one in shlex.split(value))
        folder = dict(properties)["WorkingDirectory"]
        with open(dict(properties)["EnvironmentFile"], encoding="utf-8") as file:
            environment.update(line.split("=", 1) for line in shlex.split(file.read()))
        return subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    monkeypatch.setattr(systemd, "run", run)

    def make(wsgi_app="mysite.wsgi:application", settings_module="mysite.settings", overlap=True, config="", **changed):
        store = Store(str(tmp_path), "app", pwd.getpwuid(os.getuid()).pw_name)
        source = str(tmp_path / "source")
        (venv / "installed.txt").touch()
        inputs = Inputs(
            name="app",
            user=store.user,
            source=source,
            venv=str(venv),
            config=f"wsgi_app = {wsgi_app!r}\nchdir = {source!r}\ncontrol_socket_disable = True\n{config}",
            wsgi_app=wsgi_app,
            env={"DJANGO_SETTINGS_MODULE": settings_module},
            overlap=overlap,
            plan=plans.plan(1, 4000),
        )
        django = Preparation(
            Places(source, str(tmp_path / "state")),
            source,
            **{"collectstatic": True, "allow_debug": False, "databases": ["default"], **changed},
        )
        with store.locked("a test"):
            release = Release(store, inputs, store.key() or b"", django)
            release.make()
        assert f"PYWEB_STACK_START={release.path.replace(release.id, '%i')}" in "".join(release.units().values())
        return store.release(release.id), django.messages

    return make


@pytest.mark.alike
@pytest.mark.parametrize("config", ["", "preload_app = True\n"])
def test_who_asks_for_a_static_url_when_it_is_made_can_be_loaded(project, make, config):
    project({"shop/middleware.py": ASKS}, WITH_MIDDLEWARE)
    record, messages = make(config=config)
    assert record["in_force"]["django"] == {"settings_module": "mysite.settings", "debug": False}
    assert messages == []


@pytest.mark.slow
def test_who_asks_for_tables_when_it_is_made_is_loaded_after_their_migrations(project, make):
    source = project({"shop/middleware.py": COUNTS}, WITH_MIDDLEWARE)
    record, messages = make()
    assert "django" not in record["in_force"]
    assert ["proved after them" in message for message in messages] == [True]
    # An app that asks for what no migration makes would never start.
    (source / "shop/middleware.py").write_text("from shop.models import Books\n", encoding="utf-8")
    with pytest.raises(ProofError, match="Books"):
        make()


def test_wsgi_py_brings_its_settings_in_spite_of_the_environment(project, make):
    files = {"mysite/other.py": "from mysite.settings import *\n"}
    wsgi = """
        import os
        from django.core.wsgi import get_wsgi_application
        os.environ.update(dict([("DJANGO_SETTINGS_MODULE", "mysite.other")]))
        application = get_wsgi_application()
    """
    project({**files, "mysite/wsgi.py": wsgi})
    with pytest.raises(DjangoError, match=r"gunicorn_wsgi_app brings the settings mysite\.other, but manage\.py takes"):
        make()


def test_debug_of_what_serves_alone_is_refused(project, make):
    wsgi = """
        import os
        os.environ["PLACE"] = "here"
        from django.core.wsgi import get_wsgi_application
        application = get_wsgi_application()
    """
    project({"mysite/wsgi.py": wsgi}, "DEBUG = 'PLACE' in os.environ")
    with pytest.raises(DjangoError, match=r"^DEBUG is True in mysite\.settings"):
        make()
    record, _messages = make(allow_debug=True)
    assert record["in_force"]["django"]["debug"] is True


def test_an_app_that_can_not_run_twice_is_asked_but_not_loaded(project, make):
    project({"shop/middleware.py": "raise OSError\n"}, WITH_MIDDLEWARE)
    record, _messages = make(overlap=False)
    assert "django" not in record["in_force"]


@pytest.mark.slow
def test_whether_debug_is_allowed_makes_another_release(project, make):
    project()
    records = [make(allow_debug=allowed)[0] for allowed in (False, True)]
    assert records[0]["id"] != records[1]["id"]


@pytest.mark.slow
def test_commands_have_what_gunicorn_puts_in_front_of_the_path(project, make):
    project({"inner/lent/__init__.py": ""}, "INSTALLED_APPS += ['lent']")
    with pytest.raises(DjangoError, match="No module named 'lent'"):
        make()
    record, _messages = make(config="pythonpath = 'inner'\n")
    assert [path.rpartition("/")[2] for path in record["in_force"]["pythonpath"]] == ["inner"]
