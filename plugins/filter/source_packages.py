# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: source_packages
short_description: The Debian packages that fetching a source takes
version_added: 0.1.0
description:
  - Names what the target needs to fetch an app's source.
positional: []
options:
  _input:
    description: The source, as C(gunicorn_source) has it.
    type: dict
    required: true
author:
  - The pyweb.stack authors (@pyweb)
"""

EXAMPLES = r"""
# git and openssh-client
packages: "{{ {'git': 'git@git.example.com:shop.git'} | pyweb.stack.source_packages }}"
"""

RETURN = r"""
_value:
  description: Names of packages; none where the source is no git repository.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.pyweb.stack.plugins.module_utils._text import urls


def source_packages(source: dict[str, Any]) -> list[str]:
    """Return the packages for a source."""
    if "git" not in source:
        return []
    return ["git", "openssh-client"] if urls.by_ssh(source["git"]) else ["git"]


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return it by name."""
        return {"source_packages": source_packages}
