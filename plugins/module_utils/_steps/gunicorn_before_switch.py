# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module gunicorn_before_switch does: a release's own steps, once. Private to the collection."""

from __future__ import annotations

import os

from ansible_collections.pyweb.stack.plugins.module_utils._host import files, masking, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._module.module import Module, Step
from ansible_collections.pyweb.stack.plugins.module_utils._release import applied, commands, env_file, steps
from ansible_collections.pyweb.stack.plugins.module_utils._release.once import Once, StepError
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store, StoreError, still_active


def run(module: Module, params: dict) -> dict:
    """Do the steps that this release has not done yet; return what the module documents."""
    store, name = Store(params["root"], params["name"]), params["release"] or ""
    wanted = steps.once(params["before_switch"])
    folder = store.item("releases", name)
    if module.check_mode and not (name and os.path.isdir(folder)):
        return _result(wanted)
    once = Once(store, name, wanted)
    try:
        store.resolve(name)
        pending = once.pending()
        if pending and not module.check_mode:
            with store.locked("doing its steps before the switch"):
                # What can't be undone must not come from a run whose release would be refused after it.
                overtaken = store.overtaken(name, params["replaces"])
                if overtaken:
                    raise StoreError(f"nothing of gunicorn_before_switch was done: {overtaken}")
                once.do()
    except (StepError, StoreError, systemd.SystemdError, OSError) as error:
        said = masking.without_values(str(error), env_file.parse(files.read(os.path.join(folder, "env"))))
        msg = f"release {name} of the app {store.name}: {said}\n{still_active(store.current())}"
        module.fail_json(msg="\n".join([msg, *applied.told(store)]))
    return _result(pending)


def _result(pending: list[list[str]]) -> dict:
    after = "".join(f"{commands.shown(command)}\n" for command in pending)
    return {
        "changed": bool(pending),
        "commands": pending,
        "diff": [files.diff("gunicorn_before_switch", "", after)] if pending else [],
    }


STEP = Step(
    prefix="gunicorn_",
    options={
        "name": {"type": "str", "required": True},
        "root": {"type": "path", "default": "/srv"},
        "release": {"type": "str"},
        "replaces": {"type": "str"},
        "before_switch": {"type": "list", "elements": "raw", "required": True},
    },
    unlike=("release",),
    run=run,
)
