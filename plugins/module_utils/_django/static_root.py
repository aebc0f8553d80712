# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Django finds the static files of its release. Private to the collection."""

from __future__ import annotations

# Run first by every Python of a release's units and commands, and so before whoever imports the settings, patches the
# standard library or forks. Settings that are derived from STATIC_ROOT when they are read follow. The files lie below
# the folder as their URLs below the host, so nginx needs to know no prefix.
START = '''"""Have Django find the static files of this release, whatever STATIC_ROOT its settings have."""

import os
import sys

STATIC = os.path.join(os.path.dirname(os.path.abspath(__file__)), "static")


class Waiting:
    """Lets django.conf be found as ever, and changed when it is there."""

    def find_spec(self, name, path=None, target=None):
        if name != "django.conf":
            return None
        sys.meta_path.remove(self)
        from importlib.util import find_spec

        spec = find_spec(name)
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            change(module.Settings)

        spec.loader.exec_module = exec_module
        return spec


def change(Settings):
    of_the_project = Settings.__init__

    def __init__(self, settings_module):
        of_the_project(self, settings_module)
        if self.STATIC_URL:
            kind = type(self.STATIC_ROOT) if isinstance(self.STATIC_ROOT, os.PathLike) else str
            self.STATIC_ROOT = kind(os.path.join(STATIC, *prefix(self)))

    Settings.__init__ = __init__


def prefix(settings):
    """Return the folders of STATIC_URL, which can be a URL, an absolute path, or one below the script's name."""
    from urllib.parse import urlsplit

    url = urlsplit(str(settings.STATIC_URL))
    script = "" if url.netloc or url.path.startswith("/") else settings.FORCE_SCRIPT_NAME or ""
    return [part for part in f"{script}/{url.path}".split("/") if part not in ("", ".", "..")]


sys.meta_path.insert(0, Waiting())
'''
