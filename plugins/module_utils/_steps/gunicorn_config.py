# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module gunicorn_config does: a configuration that gunicorn accepts. Private to the collection."""

from __future__ import annotations

import dataclasses
import os

from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn import conf_file
from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn.proof import ProofError
from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn.settings import Settings, SettingsError
from ansible_collections.pyweb.stack.plugins.module_utils._host import files
from ansible_collections.pyweb.stack.plugins.module_utils._module.module import Module, Step
from ansible_collections.pyweb.stack.plugins.module_utils._release import foreign_unit, stores


def run(module: Module, params: dict) -> dict:
    """Check the settings, and write them where `dest` says so; return what the module documents."""
    options, folder = {"wsgi_app": params["wsgi_app"]}, None
    if params["chdir"]:
        options["chdir"] = os.path.normpath(params["chdir"])
        folder = stores.readable(options["chdir"])
        if not os.path.isdir(folder):
            module.fail_json(msg=f"gunicorn_chdir: there is no folder {params['chdir']}")
    if params["dest"] and not os.path.isdir(os.path.dirname(os.path.abspath(params["dest"]))):
        module.fail_json(msg=f"dest is {params['dest']!r}, but the target has no such folder: make it first")
    conf = _conf(module, params, folder)
    if module.check_mode and not os.path.exists(params["python"] or ""):
        return {"changed": bool(params["dest"]), "content": None}
    if not params["python"]:
        module.fail_json(msg="python is empty, but must be the interpreter of the virtual environment")
    writable = None if params["dest"] else params["writable_paths"]
    user = _user(module, params)
    try:
        settings = Settings(params["python"], options, params["settings"], conf, writable, folder, user)
    except SettingsError as error:
        module.fail_json(msg=str(error))
    content = settings.render()
    result = {
        "changed": False,
        "content": content,
        "graceful_timeout": settings.graceful_timeout,
        "version": settings.version,
    }
    if params["dest"]:
        # What a link in its place leads to may be no business of who reads the diff.
        before = "" if os.path.islink(params["dest"]) else files.read(params["dest"])
        result["changed"] = before != content
        result["diff"] = files.diff(params["dest"], before, content)
        if result["changed"] and not module.check_mode:
            if params["user"]:
                _prove(module, params, content)
            files.replace(params["dest"], content)
    return result


def _user(module: Module, params: dict) -> str:
    """Return as which account the gunicorn is asked, empty for none; in check mode it may have yet to be made."""
    if not params["user"]:
        return ""
    try:
        return foreign_unit.account(params["user"]).pw_name
    except foreign_unit.OwnUnitError as error:
        if not module.check_mode:
            module.fail_json(msg=str(error))
        return ""


def _prove(module: Module, params: dict, content: str) -> None:
    given = {field.name: params[field.name] for field in dataclasses.fields(foreign_unit.Unit)}
    try:
        foreign_unit.prove(content, foreign_unit.Unit(**{**given, "chdir": given["chdir"] or "/"}))
    except (foreign_unit.OwnUnitError, ProofError) as error:
        module.fail_json(msg=str(error))


def _conf(module: Module, params: dict, folder: str | None) -> str:
    """Return the text of the user's file, if there is one; the app's own is in this folder."""
    path = params["conf_file"]
    for like in conf_file.like(folder) if folder and not path and not params["dest"] else []:
        module.warn(
            f"The source has {like} where the app runs, which counts only if gunicorn_conf_file names it: "
            f"add gunicorn_conf_file: {like}"
        )
    for name, given in conf_file.started(folder).items() if folder and not path and not params["dest"] else []:
        lacks = {setting: value for setting, value in given.items() if setting not in params["settings"]}
        if lacks:
            named = ", ".join(f"{setting}: {value}" for setting, value in lacks.items())
            module.warn(
                f"The source's {name} starts gunicorn with more than the role does, which counts only if gunicorn_settings has it: "
                f"add gunicorn_settings: {{{named}}}"
            )
    if not path or params["conf_text"] is not None:
        return params["conf_text"] or ""
    if not folder:
        if module.check_mode and not params["python"]:
            return ""
        module.fail_json(
            msg=f"gunicorn_conf_file is {path!r}, a file in the source, but there is no gunicorn_source: "
            "name one on the controller by its absolute path"
        )
    try:
        return conf_file.read(folder, path)
    except conf_file.ConfFileError as error:
        module.fail_json(msg=f"gunicorn_conf_file {error}")


STEP = Step(
    prefix="gunicorn_",
    options={
        "python": {"type": "path"},
        "wsgi_app": {"type": "str", "required": True},
        "chdir": {"type": "path"},
        "settings": {"type": "dict", "default": {}},
        "conf_file": {"type": "str"},
        "conf_text": {"type": "str"},
        "dest": {"type": "path"},
        "user": {"type": "str"},
        "env": {"type": "dict", "default": {}},
        "writable_paths": {"type": "list", "elements": "str", "default": []},
        "unit": {"type": "dict", "default": {}},
    },
    unlike=(
        "chdir",
        "conf_file",
    ),
    hidden={"env": lambda env: dict.fromkeys(env, "(hidden)")},
    rules={"required_by": {"user": "dest"}},
    run=run,
)
