# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module python_interpreter does: a Python of a version, on the host. Private to the collection."""

from __future__ import annotations

from ansible_collections.pyweb.stack.plugins.module_utils._module.module import Module, Step
from ansible_collections.pyweb.stack.plugins.module_utils._steps.python_venv import INDEX, shown_index
from ansible_collections.pyweb.stack.plugins.module_utils._venv import pythons, uv


def run(module: Module, params: dict) -> dict:
    """Have the interpreter on the host; return what the module documents."""
    version = params["python"]
    try:
        path = pythons.of_the_host(version)
        if path:
            return {"changed": False, "path": path}
        index = uv.Index(params["index"])
        if module.check_mode and not uv.there():
            return {"changed": True, "path": ""}
        if not module.check_mode:
            uv.fetch(index)
        build = pythons.of_uv(version, index)
        if build.there():
            return {"changed": False, "path": build.path}
        if not module.check_mode:
            pythons.install(build, version, index)
    except (uv.UvError, OSError) as error:
        module.fail_json(msg=str(error))
    return {"changed": True, "path": "" if module.check_mode else build.path}


STEP = Step(
    prefix="gunicorn_",
    options={"python": {"type": "str", "required": True}, "index": INDEX},
    hidden={"index": shown_index},
    run=run,
)
