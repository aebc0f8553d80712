# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: faults
short_description: What is wrong with the variables of an app or a site
version_added: 0.1.0
description:
  - Looks at what types alone can't say, on the controller, before anything on a host changes.
  - Knows the variables of the collection's roles by their names; others are passed over.
positional: []
options:
  _input:
    description: Variables by name.
    type: dict
    required: true
  names:
    description:
      - Names of all variables that are set, of whatever role. A variable of the collection that is among them and has no
        value is a fault, and so is a name that is nearly one of the collection's.
    type: list
    elements: str
    default: []
author:
  - The pyweb.stack authors (@pyweb)
"""

EXAMPLES = r"""
faults: "{{ {'gunicorn_name': 'My Shop'} | pyweb.stack.faults }}"
"""

RETURN = r"""
_value:
  description: Sentences that name the variable, what is wrong with its value, and what to do. None means all is well.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.pyweb.stack.plugins.module_utils._module import variable_rules


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return it by name."""
        return {"faults": variable_rules.faults}
