# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of steps: that of app_source, where the source is one of them, and a word on names that change nothing."""

from __future__ import annotations

import gc

from ansible_collections.pyweb.stack.plugins.action import app_source
from ansible_collections.pyweb.stack.plugins.module_utils._module import other_names


class ActionModule(app_source.ActionModule):
    """Do the steps on the target, again where it lacks a source that lies here."""

    def run(self, tmp: str | None = None, task_vars: dict | None = None) -> dict:
        """Run the module, a second time with what it needs from here."""
        result = super(app_source.ActionModule, self).run(tmp, task_vars)
        # An option of the role that is not given is none here.
        steps = {
            step: {name: value for name, value in options.items() if value is not None}
            for step, options in self._task.args["steps"].items()
            if options is not None
        }
        # What a role begins with.
        for warning in other_names.unused(steps.get("host", {}).get("role", ""), task_vars or {}):
            self._display.warning(warning)
        arguments = {**self._task.args, "steps": steps}
        send = self._prepare(steps["source"]) if "source" in steps else None
        answer = self._ask(arguments, task_vars)
        if send and answer.get("waits"):
            send()
            # What was active when this began, before anything was sent.
            serving = answer["source"]["serving"]
            answer = self._ask({**arguments, "built": {"replaces": serving}}, task_vars)
            answer.get("source", {})["serving"] = serving
        return {**result, **answer}

    def _ask(self, arguments: dict, task_vars: dict | None) -> dict:
        # Ansible parses all sources that it sends: to look for garbage meanwhile takes a third of that time, and finds none.
        gc.disable()
        try:
            answer = self._execute_module("pyweb.stack.steps", module_args=arguments, task_vars=task_vars)
        finally:
            gc.enable()
        given = answer.get("invocation", {}).get("module_args", {}).get("steps") or {}
        self._hide(given.get("source") or {})
        return answer
