"""Prints what a run says of each task, as JSON: whether it changes the host, and the diff."""

from __future__ import annotations

import json
import sys

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: told
type: stdout
short_description: What a run says of each task, as JSON
description: For tests that compare what check mode says with what a run does.
"""


class CallbackModule(CallbackBase):
    """Keep what ends well until the end, and print what doesn't at once."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "told"

    def __init__(self):
        super().__init__()
        self.told = {}

    def v2_runner_on_ok(self, result):
        """Keep it; a task that only includes others says nothing."""
        diff = result.result.get("diff") or []
        text = "".join(self._get_diff(part) for part in (diff if isinstance(diff, list) else [diff]))
        # A task that takes several steps has a result of each.
        parts = [*result.result.get("results", [result.result]), *result.result.values()]
        said = [each["msg"] for each in parts if isinstance(each, dict) and "msg" in each]
        told = {"changed": result.result.get("changed", False), "diff": text, "said": said}
        self.told[result.task_name.rpartition(" : ")[2]] = told

    def v2_runner_on_failed(self, result, ignore_errors=False):
        """Say what went wrong."""
        print(result.task_name, result.result.get("msg"), file=sys.stderr)

    def v2_playbook_on_stats(self, stats):
        """Print all of it."""
        print(json.dumps(self.told))
