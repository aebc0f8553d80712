# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Django project is found by its files, without running them."""

from __future__ import annotations

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._django.project import DjangoError, Project

MANAGE = """#!/usr/bin/env python
import os
def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "{}")
"""
MYSITE = {"manage.py": MANAGE.format("mysite.settings"), "mysite/settings.py": "", "mysite/wsgi.py": ""}
# As larger projects have it: settings for each place, and one wsgi.py.
SPLIT = {"manage.py": MANAGE.format("config.settings.local"), "config/settings/local.py": "", "config/wsgi.py": ""}


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
            SPLIT, {"settings_module": "config.settings.production"},
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
    project = Project(
        **{"chdir": ".", "settings_module": None, "wsgi_app": None, **given, "source": str(write(tmp_path, files))}
    )
    assert (project.chdir, project.settings_module, project.wsgi_app) == found


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
            {"manage.py": MYSITE["manage.py"]}, {},
            "gunicorn_wsgi_app is not set, and no wsgi.py lies beside the settings mysite.settings: set it",
            id="no wsgi.py",
        ),
    ],
)  # fmt: skip
def test_a_project_that_is_not_clear(tmp_path, write, files, given, said):
    options = {"chdir": ".", "settings_module": None, "wsgi_app": None, **given}
    with pytest.raises(DjangoError, match=said):
        Project(source=str(write(tmp_path, files)), **options)
