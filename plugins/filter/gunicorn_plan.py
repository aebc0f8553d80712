# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: gunicorn_plan
short_description: How many workers and threads an app gets on a host, and which limit decided
version_added: 0.1.0
description:
  - Starts from C(2 * CPUs + 1) and lowers that to what a CPU quota, the worker class and the memory allow.
  - The memory to count on is O(memory_max), or four fifths of the host's.
positional: []
options:
  _input:
    description: The host's facts. C(processor_vcpus) and C(memtotal_mb) are needed; C(memory_mb) says what is free.
    type: dict
    required: true
  settings:
    description:
      - gunicorn's settings. C(workers) is taken as it is; C(worker_class) and C(threads) count.
      - What is no number of at least 1 counts for nothing here, since M(pyweb.stack.gunicorn_config) refuses it.
    type: dict
    default: {}
  memory_max:
    description: Most memory of one instance, in systemd's form, such as C(512M).
    type: str
  cpu_quota:
    description: Most processor time of one instance, in systemd's form; C(150%) is one and a half CPUs.
    type: str
  memory_per_worker:
    description: MiB that one worker takes.
    type: int
    default: 100
  overlap:
    description: Whether two instances run for a moment at a switch.
    type: bool
    default: true
author:
  - The pyweb.stack authors (@pyweb)
"""

EXAMPLES = r"""
plan: "{{ ansible_facts | pyweb.stack.gunicorn_plan(memory_max='512M') }}"
"""

RETURN = r"""
_value:
  description:
    - C(summary), a line for people, and C(switch), one on what a switch takes, when two instances run for a moment.
    - C(workers) and C(threads) of each; C(memory), the MiB that an instance is estimated to take; C(connections), those to
      a database that it opens where each thread keeps one, none where the worker class has an event loop.
    - C(host), what is known of the host's memory, for M(pyweb.stack.gunicorn_release).
    - C(limit), what decided, one of C(cpus), C(quota), C(class), C(memory), C(given); C(reason), that in words.
    - C(warnings), such as that the host can't hold the two instances that run for a moment at a switch.
  type: dict
  sample:
    summary: 4 workers (what 512 MiB hold with 100 MiB a worker), about 432 MiB for an instance
    switch: >-
      at a switch two instances run for a moment: about 864 of 3200 MiB, and up to 8 database connections, where each
      thread keeps one
    workers: 4
    threads: 1
    memory: 432
    connections: 4
    limit: memory
    reason: what 512 MiB hold with 100 MiB a worker
    host: {memory_per_worker: 100, room: 512, room_of_all: 3200, free: 2950, overlap: true, event_loop: false}
    warnings: []
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn import plans


def gunicorn_plan(
    facts: dict[str, Any],
    settings: dict[str, Any] | None = None,
    memory_max: object = None,
    cpu_quota: object = None,
    memory_per_worker: object = 100,
    overlap: bool = True,
) -> dict[str, Any]:
    """Return the plan of one app on the host with these facts."""
    missing = [name for name in ("processor_vcpus", "memtotal_mb") if name not in facts]
    if missing:
        raise AnsibleFilterError(f"gunicorn_plan: the facts lack {' and '.join(missing)}: gather the subset hardware")
    try:
        return plans.of_settings(
            facts["processor_vcpus"],
            facts["memtotal_mb"],
            settings or {},
            memory_max=memory_max,
            cpu_quota=cpu_quota,
            memory_per_worker=memory_per_worker,
            overlap=overlap,
            free=facts.get("memory_mb", {}).get("nocache", {}).get("free"),
        )
    except ValueError as error:
        raise AnsibleFilterError(f"gunicorn_plan: {error}") from error


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return it by name."""
        return {"gunicorn_plan": gunicorn_plan}
