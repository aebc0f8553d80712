# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: gunicorn_workers
short_description: The number of workers that gunicorn's guide starts from
version_added: 0.1.0
description:
  - Turns a number of CPUs into C(2 * CPUs + 1).
  - P(pyweb.stack.gunicorn_plan#filter) also looks at memory, quota and worker class.
positional: []
options:
  _input:
    description: How many CPUs, such as C(ansible_facts['processor_vcpus']).
    type: int
    required: true
author:
  - The pyweb.stack authors (@pyweb)
"""

EXAMPLES = r"""
workers: "{{ ansible_facts['processor_vcpus'] | pyweb.stack.gunicorn_workers }}"
"""

RETURN = r"""
_value:
  description: The number of workers.
  type: int
  sample: 5
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn import plans


def gunicorn_workers(vcpus: object) -> int:
    """Return C(2 * vcpus + 1)."""
    try:
        return plans.workers(vcpus)
    except ValueError as error:
        raise AnsibleFilterError(f"gunicorn_workers: {error}") from error


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return it by name."""
        return {"gunicorn_workers": gunicorn_workers}
