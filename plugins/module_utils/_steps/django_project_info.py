# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module django_project_info does: where a Django project has its parts. Private to the collection."""

from __future__ import annotations

from ansible_collections.pyweb.stack.plugins.module_utils._django.project import SETTINGS, DjangoError, Project
from ansible_collections.pyweb.stack.plugins.module_utils._module.module import Module, Step
from ansible_collections.pyweb.stack.plugins.module_utils._release import stores


def run(module: Module, params: dict) -> dict:
    """Find the parts of the project; return what the module documents."""
    if params["source"] is None:
        module.fail_json(msg="gunicorn_source is empty, but must say where the Django project is")
    given, named = dict(params["env"]), params["settings_module"]
    if named and given.get(SETTINGS, named) != named:
        module.fail_json(
            msg=f"django_settings_module is {named!r}, but gunicorn_env has {SETTINGS} with another value: remove that one"
        )
    if named:
        given[SETTINGS] = named
    if module.check_mode and not params["source"]:
        settings = given.get(SETTINGS, "unknown")
        found = {name: params[name] or "unknown" for name in ("chdir", "wsgi_app")}
        also = {"env": {SETTINGS: settings}, "settings": {}, "messages": []}
        return {"changed": False, "settings_module": settings, **found, **also}
    try:
        source = stores.readable(params["source"])
        project = Project(source, params["chdir"], given, params["wsgi_app"], params["worker_class"])
    except (DjangoError, OSError) as error:
        module.fail_json(msg=str(error))
    return {
        "changed": False,
        "chdir": project.chdir,
        "settings_module": project.settings_module,
        "wsgi_app": project.wsgi_app,
        "env": project.env,
        "settings": project.settings,
        "messages": project.messages,
    }


STEP = Step(
    prefix="gunicorn_",
    options={
        "source": {"type": "path"},
        "chdir": {"type": "str", "default": "."},
        "settings_module": {"type": "str"},
        "env": {"type": "dict", "default": {}},
        "wsgi_app": {"type": "str"},
        "worker_class": {"type": "str"},
    },
    unlike=("source",),
    hidden={"env": lambda env: dict.fromkeys(env, "(hidden)")},
    run=run,
)
