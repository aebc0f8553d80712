# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module app_build does: a source, built by its user's commands. Private to the collection."""

from __future__ import annotations

import os

from ansible_collections.pyweb.stack.plugins.module_utils._host import files
from ansible_collections.pyweb.stack.plugins.module_utils._module.module import Module, Step
from ansible_collections.pyweb.stack.plugins.module_utils._release import build, commands, derived
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store, StoreError, still_active
from ansible_collections.pyweb.stack.plugins.module_utils._source.additions import AdditionError
from ansible_collections.pyweb.stack.plugins.module_utils._text.unknown import UNKNOWN


def run(module: Module, params: dict) -> dict:
    """Build the source, unless that is done; return what the module documents."""
    store = Store(params["root"], params["name"], params["user"])
    wanted, python = params["build"], params["python"] or "/usr/bin/python3"
    result: dict = {"changed": True, "path": "", "tools": {}, "diff": [_diff(wanted, {})], "messages": []}
    lacking = build.lacking(wanted)
    if module.check_mode and (not params["source"] or lacking):
        return result
    if lacking:
        module.fail_json(msg=lacking)
    try:
        tools = build.tools(store.name, wanted)
        name = derived.name(params["source"], {"commands": wanted, "tools": tools})
        path = store.item("sources", name)
        if os.path.isdir(path):
            return {**result, "changed": False, "path": path, "tools": tools, "diff": []}
        result.update(tools=tools, diff=[_diff(wanted, tools)])
        if module.check_mode:
            return result
        with store.locked("building its source"):
            # Another run may have built it while this one waited.
            if not os.path.isdir(path):
                with store.stage("sources", name) as stage:
                    made = build.Build(store.name, wanted, params["secrets"])
                    note = made.make(params["source"], stage, path, python)
                result["messages"] = [note] if note else []
    except (build.BuildError, AdditionError, StoreError, OSError) as error:
        module.fail_json(msg=f"{error}\n{still_active(store.current())}")
    return {**result, "path": path}


def _diff(wanted: list[list[str]], tools: dict[str, str]) -> dict[str, str]:
    """Return what is going to be run, and with what, as Ansible shows it; what comes of it nobody knows before."""
    lines = [*map(commands.shown, wanted), *(f"{name} {said}" for name, said in tools.items()), UNKNOWN.value]
    return files.diff("gunicorn_build", "", "".join(f"{line}\n" for line in lines))


STEP = Step(
    prefix="gunicorn_",
    options={
        "name": {"type": "str", "required": True},
        "root": {"type": "path", "default": "/srv"},
        "user": {"type": "str", "required": True},
        "source": {"type": "path"},
        "build": {"type": "list", "elements": "raw", "required": True},
        "secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
        "python": {"type": "path", "default": "/usr/bin/python3"},
    },
    unlike=("source", "secrets", "python"),
    run=run,
)
