# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module django_project_info does: where a Django project has its parts. Private to the collection."""

from __future__ import annotations

from ansible_collections.pyweb.stack.plugins.module_utils._django.project import DjangoError, Project
from ansible_collections.pyweb.stack.plugins.module_utils._module.module import Module, Step
from ansible_collections.pyweb.stack.plugins.module_utils._release import stores


def run(module: Module, params: dict) -> dict:
    """Find the parts of the project; return what the module documents."""
    if params["source"] is None:
        module.fail_json(msg="gunicorn_source is empty, but must say where the Django project is")
    if module.check_mode and not params["source"]:
        found = {name: params[name] or "unknown" for name in ("chdir", "settings_module", "wsgi_app")}
        return {"changed": False, **found}
    try:
        project = Project(**{**params, "source": stores.readable(params["source"])})
    except (DjangoError, OSError) as error:
        module.fail_json(msg=str(error))
    return {
        "changed": False,
        "chdir": project.chdir,
        "settings_module": project.settings_module,
        "wsgi_app": project.wsgi_app,
    }


STEP = Step(
    prefix="gunicorn_",
    options={
        "source": {"type": "path"},
        "chdir": {"type": "str", "default": "."},
        "settings_module": {"type": "str"},
        "wsgi_app": {"type": "str"},
    },
    unlike=("source",),
    run=run,
)
