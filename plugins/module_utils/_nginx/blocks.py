# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a block of nginx's configuration is written. Private to the collection."""

from __future__ import annotations


def block(head: str, *paragraphs: list[str]) -> str:
    """Return a block of nginx's; between its paragraphs is an empty line."""
    lines = "\n\n".join("\n".join(lines) for lines in paragraphs if lines).split("\n")
    return "\n".join([f"{head} {{", *[line and f"    {line}" for line in lines], "}"])
