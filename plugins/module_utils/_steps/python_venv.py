# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module python_venv does: the virtual environment of an app. Private to the collection."""

from __future__ import annotations

import os
from collections.abc import Collection

from ansible_collections.pyweb.stack.plugins.module_utils._host import sandboxes
from ansible_collections.pyweb.stack.plugins.module_utils._module.module import Module, Step
from ansible_collections.pyweb.stack.plugins.module_utils._release import stores
from ansible_collections.pyweb.stack.plugins.module_utils._source.git import GitError, Repository
from ansible_collections.pyweb.stack.plugins.module_utils._text import naming, urls
from ansible_collections.pyweb.stack.plugins.module_utils._venv import builder, finding, inputs, uv
from ansible_collections.pyweb.stack.plugins.module_utils._venv.requirements import RequirementsError


def run(module: Module, params: dict) -> dict:
    """Build the environment, unless it is there; return what the module documents."""
    store = stores.Store(params["root"], params["name"], params["user"])
    result = {
        "changed": False,
        "path": "",
        "requirements_file": params["requirements_file"],
        "serving": store.current() or "",
        "waits": False,
    }
    try:
        result.update(_build(params, store, module.check_mode))
        for note in result.pop("notes", []):
            module.warn(f"gunicorn_requirements_file: {note}")
    except (RequirementsError, uv.UvError, stores.StoreError, OSError) as error:
        module.fail_json(msg=str(error), **result)
    return result


def _build(params: dict, store: stores.Store, check_mode: bool) -> dict:
    source, file = params["source"], params["requirements_file"]
    if check_mode and "" in (source, params["python"]):
        return {"changed": True}
    for variable, fault in (
        (
            "gunicorn_python",
            naming.interpreter(params["python"]) or naming.interpreter(os.path.realpath(params["python"])),
        ),
        ("gunicorn_requirements_file", file and naming.requirements_file(file)),
    ):
        if fault:
            raise RequirementsError(f"{variable} {fault}")
    source = source and stores.readable(source)
    if file and not (source and os.path.isfile(os.path.join(source, file))):
        raise RequirementsError(f"gunicorn_requirements_file is {file!r}, but the source has no such file")
    passed_over: list[str] = []
    if source and not file and params["requirements_text"] is None:
        found = finding.find(source, params["chdir"])
        file, passed_over = found.file, found.passed_over
        if not (file or params["requirements"]):
            finding.refuse_unread(source, params["chdir"])
    wanted = inputs.Inputs(
        params["python"],
        source,
        file,
        params["requirements"],
        params["gunicorn_version"],
        params["chdir"],
        params["requirements_groups"],
        params["requirements_text"],
        params["version"],
    )
    name = wanted.digest()
    path = store.item("venvs", name)
    if os.path.isdir(path):
        return {"path": path, "requirements_file": file}
    ssh = params["ssh"]
    if wanted.repositories and ssh and ssh["ssh_key"] and not ssh["key"]:
        return {"changed": True, "path": path, "requirements_file": file, "waits": True}
    index = uv.Index(params["index"], None if check_mode else sandboxes.cache_folder(params["name"]))
    result = {"changed": True, "path": path, "requirements_file": file}
    if check_mode:
        store.refuse_others()
        if not uv.there():
            return result
        store = store.trial()
    else:
        uv.fetch(index)
    with store.locked("building its virtual environment"):
        # Another run may have built it while this one waited.
        if not os.path.isdir(store.item("venvs", name)):
            with store.stage("venvs", name) as stage:
                kind = uv.Forecast if check_mode else uv.Uv
                notes = builder.build(params["name"], wanted, stage, path, index, kind, _mirror(ssh), params["secrets"])
            if passed_over:
                notes.append(f"{file} says what is installed; {', '.join(passed_over)} beside it counts for nothing.")
            result["notes"] = notes
    return result


def _mirror(ssh: dict | None) -> builder.Mirror | None:
    """Return what brings repositories that are reached by ssh as the source is, None where nothing is said of that."""
    if ssh is None:
        return None

    def mirror(url: str, versions: Collection[str], folder: str) -> None:
        try:
            Repository(url, ssh["key"], ssh["known_hosts"]).mirror(folder, versions)
        except GitError as error:
            raise RequirementsError(str(error)) from error

    return mirror


def shown_index(index: dict) -> dict:
    """Return what of `gunicorn_index` may be seen."""
    return {**index, **{name: "(hidden)" for name in ("url", "pythons") if index.get(name)}}


INDEX = {
    "type": "dict",
    "default": {},
    "options": {"url": {"type": "str"}, "wheels": {"type": "path"}, "ca": {"type": "path"}, "pythons": {"type": "str"}},
    "mutually_exclusive": [("url", "wheels")],
}
STEP = Step(
    prefix="gunicorn_",
    options={
        "name": {"type": "str", "required": True},
        "root": {"type": "path", "default": "/srv"},
        "user": {"type": "str", "required": True},
        "source": {"type": "path"},
        "version": {"type": "str", "default": ""},
        "chdir": {"type": "str", "default": "."},
        "requirements_file": {"type": "str"},
        "requirements_text": {"type": "str"},
        "requirements_groups": {"type": "list", "elements": "str", "default": []},
        "requirements": {"type": "list", "elements": "str", "default": []},
        "gunicorn_version": {"type": "str"},
        "python": {"type": "path", "default": "/usr/bin/python3"},
        "secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
        "index": INDEX,
        "ssh": {
            "type": "dict",
            "options": {
                "ssh_key": {"type": "path", "no_log": False},
                "key": {"type": "str", "no_log": False},
                "known_hosts": {"type": "str"},
            },
        },
    },
    unlike=("source", "python", "version", "secrets", "ssh"),
    hidden={
        "index": shown_index,
        "ssh": lambda ssh: {**ssh, "key": ssh.get("key") and "(hidden)"},
        "requirements_text": urls.without_credentials,
        "requirements": lambda requirements: [urls.shown(one) for one in requirements],
    },
    run=run,
)
