# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an environment is made with. Private to the collection."""

from __future__ import annotations

import typing

from ansible_collections.pyweb.stack.plugins.module_utils._host.shell import Done


class Workshop(typing.Protocol):
    """Where an environment is made."""

    def install(self, arguments: list[str], variable: str) -> list[str]:
        """Have uv install, and return what there is then, each as `name==version`; what fails names the variable."""

    def ask(self, *arguments: str) -> Done:
        """Run uv where it needs no packages, and return what it said, whatever its exit status."""

    def hand(self, name: str, *lines: str) -> str:
        """Put a file of this name and lines where uv can read it, and return its path."""
