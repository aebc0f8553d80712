# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module gunicorn_command does: a command runs as an app's service does. Private to the collection."""

from __future__ import annotations

import os

from ansible_collections.pyweb.stack.plugins.module_utils._host import (
    command_line,
    files,
    masking,
    remedies,
    shell,
    systemd,
)
from ansible_collections.pyweb.stack.plugins.module_utils._module.module import Module, Step
from ansible_collections.pyweb.stack.plugins.module_utils._release import commands, env_file
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store, StoreError


def run(module: Module, params: dict) -> dict:
    """Run the command, unless what it makes is there; return what the module documents."""
    made = params["creates"]
    faults = list(commands.faults(params["command"]))
    if faults:
        module.fail_json(msg="\n".join(f"command {fault}." for fault in faults))
    if made and not os.path.isabs(made):
        module.fail_json(msg=f"creates is {made!r}, but must be an absolute path on the target")
    if made and os.path.lexists(made):
        return {"changed": False, "msg": f"{made} is there, so the command did not run."}
    store = Store(params["root"], params["name"])
    try:
        name = store.resolve(params["release"]) if params["release"] else store.current()
        if not name:
            if module.check_mode:
                return {
                    "changed": True,
                    "msg": f"No release of the app {store.name} is active yet; the command would run.",
                }
            raise StoreError(
                f"no release of the app {store.name} is active: deploy it first, by the role gunicorn or django"
            )
        release = store.installed(name)
        properties = release.properties()
        argv = command_line.faithful(release.argv(params["command"], properties))
        if module.check_mode:
            return {"changed": True, "release": name, "msg": f"The command would run in release {name}."}
        done = systemd.run(store.name, properties, argv, params["timeout"], f"command-{name}")
    except shell.Overdue:
        module.fail_json(
            msg=f"{shell.shown(params['command'])} did not end within {params['timeout']} s and was killed: give it more "
            "time by timeout"
        )
    except (StoreError, OSError) as error:
        module.fail_json(msg=str(error))
    env = env_file.parse(files.read(f"{release.path}/env"))
    said = {name: masking.without_values(getattr(done, name), env) for name in ("stdout", "stderr")}
    result = {"changed": True, "release": name, "rc": done.returncode, **said}
    if done.returncode:
        failure = f"{shell.shown(params['command'])} ended with exit status {done.returncode} in release {name}"
        cause = remedies.explain(said["stderr"] or said["stdout"], dict(properties)["WorkingDirectory"])
        module.fail_json(msg=f"{failure}:\n{cause}", **result)
    return {**result, "msg": f"The command ran in release {name}."}


STEP = Step(
    prefix="gunicorn_",
    options={
        "name": {"type": "str", "required": True},
        "root": {"type": "path", "default": "/srv"},
        # A text would become a list by itself, cut at its commas.
        "command": {"type": "raw", "required": True},
        "release": {"type": "str"},
        "creates": {"type": "path"},
        "timeout": {"type": "int", "default": 3600},
    },
    unlike=("command", "creates", "timeout"),
    run=run,
)
