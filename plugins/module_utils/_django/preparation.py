# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes before a Django project is first loaded by gunicorn. Private to the collection.

Whatever is loaded may ask for the URL of a static file at once, so the files come first.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from typing import Any

from ansible_collections.pyweb.stack.plugins.module_utils._django import checking, media, static_root
from ansible_collections.pyweb.stack.plugins.module_utils._django.databases import ask
from ansible_collections.pyweb.stack.plugins.module_utils._django.manage import Manage
from ansible_collections.pyweb.stack.plugins.module_utils._django.project import DjangoError
from ansible_collections.pyweb.stack.plugins.module_utils._host import sealing
from ansible_collections.pyweb.stack.plugins.module_utils._release.releases import Run
from ansible_collections.pyweb.stack.plugins.module_utils._text import digests

# Built files that a project commits into its own STATIC_ROOT are collected as those of its other folders, after them. A
# folder that holds code is left alone: it would become public.
_PREPARE = (
    media.ASK
    + checking.SCRIPT
    + """
import sys
from django.apps import apps
from django.conf import settings

def collect():
    if not apps.is_installed("django.contrib.staticfiles"):
        return "django.contrib.staticfiles is not installed"
    if not settings.STATIC_URL:
        return "STATIC_URL is not set"
    from django.contrib.staticfiles import finders
    own, folders = getattr(sys.modules.get(settings.SETTINGS_MODULE), "STATIC_ROOT", None), settings.STATICFILES_DIRS
    if own and holds_files(str(own)):
        settings.STATICFILES_DIRS = [*folders, str(own)]
        finders.get_finder.cache_clear()
        found["committed"] = str(own)
    call_command("collectstatic", interactive=False, verbosity=0)
    bring_manifests(finders)
    if found["committed"]:
        settings.STATICFILES_DIRS = folders
        finders.get_finder.cache_clear()
    # What django-compressor is told to make beforehand lies among them.
    offline = getattr(settings, "COMPRESS_OFFLINE", False) and getattr(settings, "COMPRESS_ENABLED", not settings.DEBUG)
    if offline and apps.is_installed("compressor"):
        call_command("compress", verbosity=0)

# Vite says in a folder with a dot, which collectstatic leaves out, which of its files are named by their content.
def bring_manifests(finders):
    for finder in finders.get_finders():
        for path, storage in finder.list([]):
            place = os.path.join(settings.STATIC_ROOT, getattr(storage, "prefix", None) or "", path)
            if not f"/{path}".endswith("/.vite/manifest.json") or os.path.exists(place):
                continue
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with storage.open(path) as source, open(place, "wb") as copy:
                copy.write(source.read())

def holds_files(folder):
    folder, source = os.path.realpath(folder), os.path.realpath(SOURCE)
    names = [name for path, below, names in os.walk(folder) for name in names if not name.startswith(".")]
    return folder.startswith(source + "/") and names and not any(name.endswith(".py") for name in names)

# The variables of which the project's own settings make DEBUG, and those by which they choose a file of theirs, such as DJANGO_ENV.
def debug_by():
    import ast, re
    named, chosen = {}, {}
    which = re.compile(r"[(\\[] ?\\W((?:[A-Z0-9]+_)*(?:ENV|ENVIRONMENT|STAGE|MODE|CONFIG|PROFILE|PRODUCTION|PROD))\\W")
    for module in list(sys.modules.values()):
        path = os.path.realpath(getattr(module, "__file__", None) or "")
        if path.startswith(os.path.realpath(SOURCE) + "/") and path.endswith(".py") and hasattr(module, "DEBUG"):
            with open(path, "rb") as file:
                text = file.read()
            tree = ast.parse(text)
            chosen.update(dict.fromkeys(which.findall(text.decode(errors="replace"))))
            gives = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
            made = [node.value for node in gives if any(getattr(target, "id", "") == "DEBUG" for target in node.targets)]
            words = [part.value for value in made for part in ast.walk(value) if isinstance(part, ast.Constant)]
            named.update(dict.fromkeys(word for word in words if re.fullmatch("[A-Z][A-Z0-9_]+", str(word))))
    return list(named), list(chosen)

found = {"settings_module": settings.SETTINGS_MODULE, "debug": bool(settings.DEBUG), "committed": None}
if found["debug"] and not ALLOW_DEBUG:
    (found["debug_by"], found["chosen_by"]), found["debug_text"] = debug_by(), settings.DEBUG if isinstance(settings.DEBUG, str) else None
if COLLECT and (ALLOW_DEBUG or not found["debug"]):
    found["skipped"] = collect()
found["media"] = media()
if CHECK and (ALLOW_DEBUG or not found["debug"]):
    found["told"] = checked()
tell(**found)
"""
)


class Preparation:
    """Django's part in making a release that runs in the folder `workdir`.

    `collectstatic` says whether it gets its static files, `allow_debug` whether it may serve with DEBUG; `databases` are the
    aliases of those that are migrated before it becomes active; `places` says where it may write, and what of that is served.
    `check` says whether Django makes its check while it is loaded for that. What there is to tell of it is in `messages`
    afterwards, and what Django said, for the steps that follow, in `told`.
    """

    def __init__(
        self,
        places: media.Places,
        workdir: str,
        collectstatic: bool,
        allow_debug: bool,
        databases: Sequence[str],
        check: bool = False,
    ):
        self._places = places
        self._workdir = workdir
        self._check = check
        self.told: dict[str, Any] | None = None
        self.record: dict[str, object] = {}
        self._collect = collectstatic
        self._allow_debug = allow_debug
        self._databases = databases
        self._settings_module = ""
        self.decides: dict[str, object] = {"allow_debug": allow_debug}
        if places.media:
            # So that the project is asked again where that is another.
            self.decides["media"] = places.media
        self.start = static_root.START if collectstatic else ""
        self.messages: list[str] = []

    def before_load(self, stage: str, user: str, run: Run) -> None:
        """Put the static files into `stage`, the folder of the release to be. Raises DjangoError, also for DEBUG."""
        also = []
        if self._collect:
            static = os.path.join(stage, "static")
            os.mkdir(static)
            shutil.chown(static, user)
            also.append(("ReadWritePaths", static))
        found = Manage(f"{stage}/venv/bin/python", run, self._workdir).ask(
            _PREPARE,
            "the static files can't be collected" if self._collect else "manage.py can't load the project",
            also,
            SOURCE=self._places.source,
            COLLECT=self._collect,
            ALLOW_DEBUG=self._allow_debug,
            CHECK=self._check,
        )
        self.told = found.get("told")
        if self.told and self.told["migrations"] is not None:
            self.record["migrations"] = digests.of(self.told["migrations"])
        self._settings_module = found["settings_module"]
        self._refuse_debug(found)
        if found.get("skipped"):
            self.messages.append(f"The release has no static files: {found['skipped']}.")
        if found["committed"]:
            self.messages.append(
                f"The files that the source has in its own STATIC_ROOT, {found['committed']}, are served, too."
            )
        fault = self._places.fault(found["media"])
        if self._collect:
            _seal(static)
            fault = self._places.hidden(static) or fault
        if fault:
            raise DjangoError(fault)
        self.messages += filter(None, [self._places.message(found["media"])])

    def loaded(self, in_force: dict[str, Any]) -> None:
        """Compare what gunicorn loaded with what manage.py did. Raises DjangoError where they differ in their settings."""
        django = in_force.get("django")
        if not django:
            return
        if django["settings_module"] != self._settings_module:
            raise DjangoError(
                f"gunicorn_wsgi_app brings the settings {django['settings_module']}, but manage.py takes "
                f"{self._settings_module}: both must leave DJANGO_SETTINGS_MODULE as it is where it is set "
                "(os.environ.setdefault), or django_settings_module must name the same"
            )
        self._refuse_debug(django)

    def later(self, failure: str, stage: str, run: Run) -> bool:
        """Say whether the app can be loaded only after its migrations; `failure` is what loading it said."""
        known = ask(Manage(f"{stage}/venv/bin/python", run, self._workdir), self._databases)
        if not known.explain(failure):
            return False
        self.messages.append(
            "Loading the app asks for tables that its migrations make, so it is proved after them, when it starts."
        )
        return True

    def _refuse_debug(self, found: dict[str, Any]) -> None:
        if found["debug"] and not self._allow_debug:
            text, variables = found.get("debug_text"), found.get("debug_by")
            decides = "a variable in gunicorn_env may decide it"
            if variables:
                off = "''" if text else "'False'"
                decides = " or ".join(f"gunicorn_env: {{{name}: {off}}}" for name in variables) + " may decide it"
            elif chosen := found.get("chosen_by"):
                decides = (
                    f"{' or '.join(chosen)} in gunicorn_env, such as {chosen[0]}: production, may choose other settings"
                )
            raise DjangoError(
                f"DEBUG is {f'the text {text!r}, which counts as true,' if text else 'True'} in {found['settings_module']}, so "
                f"every error would show visitors its code and settings: have it False where it is deployed ({decides}), or "
                "name other settings with django_settings_module, or, if that is meant, set django_allow_debug: true"
            )


def _seal(folder: str) -> None:
    """Give all in a folder to root, readable for nginx, which follows no link out of it."""
    try:
        sealing.seal(folder)
        sealing.files_for_links(folder)
    except sealing.SealError as error:
        raise DjangoError(f"the static files can't be served: {error}") from error
