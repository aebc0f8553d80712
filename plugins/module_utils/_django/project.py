# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a Django project has its parts, and what it calls them. Private to the collection."""

from __future__ import annotations

import glob
import os
import re

_SETTINGS = re.compile(r"""^[^#\n]*DJANGO_SETTINGS_MODULE["']\s*,\s*["']([\w.]+)["']""", re.MULTILINE)


class DjangoError(Exception):
    """The project can't be used or a step failed; the message names the variable or has what Django said."""


class Project:
    """The Django project in a sealed source; `chdir`, `settings_module`, `wsgi_app` where the user named them."""

    def __init__(self, source: str, chdir: str, settings_module: str | None, wsgi_app: str | None):
        self.chdir = _folder_of_manage(source, chdir)
        folder = os.path.join(source, self.chdir)
        self.settings_module = settings_module or _settings_module(os.path.join(folder, "manage.py"))
        self.wsgi_app = wsgi_app or _wsgi_app(folder, self.settings_module)


def _folder_of_manage(source: str, chdir: str) -> str:
    if os.path.isfile(os.path.join(source, chdir, "manage.py")):
        return os.path.normpath(chdir)
    patterns = ("*/manage.py", "*/*/manage.py") if chdir == "." else ()
    found = [os.path.relpath(path, source) for pattern in patterns for path in glob.glob(os.path.join(source, pattern))]
    if len(found) != 1:
        where = f"several: {', '.join(sorted(found))}" if found else "none"
        raise DjangoError(
            f"gunicorn_chdir is {chdir!r}, but must be the folder of manage.py inside the source, and there is {where}"
        )
    return os.path.dirname(found[0])


def _settings_module(manage: str) -> str:
    with open(manage, encoding="utf-8") as file:
        match = _SETTINGS.search(file.read())
    if not match:
        raise DjangoError("django_settings_module is not set, and manage.py names no DJANGO_SETTINGS_MODULE: set it")
    return match[1]


def _wsgi_app(folder: str, settings_module: str) -> str:
    """Return the project's WSGI application: `wsgi.py` in the package of its settings, or in one above that."""
    package = settings_module.split(".")[:-1]
    while package:
        if os.path.isfile(os.path.join(folder, *package, "wsgi.py")):
            return f"{'.'.join(package)}.wsgi:application"
        package.pop()
    raise DjangoError(
        f"gunicorn_wsgi_app is not set, and no wsgi.py lies beside the settings {settings_module}: "
        "set it, for instance to 'mysite.wsgi:application'"
    )
