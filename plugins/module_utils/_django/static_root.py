# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Django finds the static files of its release. Private to the collection."""

from __future__ import annotations

# Run first by every Python of a release's units and commands, and so before whoever imports the settings, patches the
# standard library or forks. Settings that are derived from STATIC_ROOT follow. The files lie below
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
            change(module)

        spec.loader.exec_module = exec_module
        return spec


def change(conf):
    of_the_project, djangos = conf.Settings.__init__, conf.settings

    def __init__(self, settings_module):
        of_the_project(self, settings_module)
        if self.STATIC_URL:
            found = {**followed(self, os.path.join(STATIC, *prefix(self))), **rooted(self)}
            # A package such as dynaconf may have put settings of its own into the place of Django's.
            for settings in [self, *others(djangos)]:
                for name, value in found.items():
                    setattr(settings, name, value)

    conf.Settings.__init__ = __init__


def others(djangos):
    settings = getattr(sys.modules["django.conf"], "settings", None)
    return [] if settings is None or settings is djangos else [settings]


def followed(settings, place):
    """Return STATIC_ROOT as `place`, and the settings that the project has computed of its own STATIC_ROOT."""
    kind = type(settings.STATIC_ROOT) if isinstance(settings.STATIC_ROOT, os.PathLike) else str
    root, media = normal(settings.STATIC_ROOT), normal(getattr(settings, "MEDIA_ROOT", None))
    code = os.path.abspath(getattr(sys.modules.get(settings.SETTINGS_MODULE), "__file__", None) or "/")

    def moved(value):
        if isinstance(value, dict):
            return {name: moved(one) for name, one in value.items()}
        path = normal(value)
        if not path or not within(path, root) or (media and within(path, media)):
            return value
        return (type(value) if isinstance(value, os.PathLike) else str)(os.path.normpath(place + path[len(root):]))

    found = {}
    # One as short as /static may be meant as a URL, and one with the code in it is everything's.
    if root and root.count("/") > 1 and not within(code, root):
        for name in dir(settings):
            # What the app writes stays where that is.
            if name.isupper() and name not in ("CACHES", "DATABASES", "LOGGING", "MEDIA_ROOT") and not name.endswith("_URL"):
                value = getattr(settings, name)
                new = moved(value) if isinstance(value, (str, dict, os.PathLike)) else value
                if new != value:
                    found[name] = new
    return {**found, "STATIC_ROOT": kind(place)}


def rooted(settings):
    """Return the URLs that are relative as they are below the host, where the release has the files.

    Django puts the prefix of the first request of a process before them, so that processes would differ.
    """
    found = {}
    for name in ("STATIC_URL", "MEDIA_URL"):
        url = getattr(settings, name, None)
        if url and not str(url).startswith(("/", "http://", "https://")):
            found[name] = "%s/%s" % (str(settings.FORCE_SCRIPT_NAME or "").rstrip("/"), url)
    return found


def normal(value):
    """Return an absolute path without what makes no difference; None for all else."""
    path = os.fspath(value) if isinstance(value, (str, os.PathLike)) else ""
    return os.path.normpath(path) if isinstance(path, str) and os.path.isabs(path) else None


def within(path, folder):
    return f"{path}/".startswith(f"{folder}/")


def prefix(settings):
    """Return the folders of STATIC_URL, which can be a URL, an absolute path, or one that is relative."""
    from urllib.parse import urlsplit

    url = urlsplit(str(rooted(settings).get("STATIC_URL", settings.STATIC_URL)))
    return [part for part in url.path.split("/") if part not in ("", ".", "..")]


sys.meta_path.insert(0, Waiting())
'''
