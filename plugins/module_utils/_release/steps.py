# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of a release that come before the switch, of two kinds. Private to the collection. Pure.

Most make something of the release: they run while it is made, where they may write to a copy of the source, and what they
leave is sealed with it. Those with C(once) do something to what is not the release's, such as a database: they run when all
else is done, right before the switch, and for each release once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.pyweb.stack.plugins.module_utils._release import commands

_FORM = "{command: [flask, db, upgrade], once: true}"


def faults(steps: list[Any]) -> Iterator[str]:
    """Yield what is wrong with steps as their user wrote them, as the rest of sentences whose subject is the variable."""
    for step in steps:
        if not isinstance(step, dict):
            words = step if isinstance(step, list) and all(isinstance(word, str) for word in step) else ["..."]
            yield f"has {step!r}, but each step is a dictionary: write {{command: {commands.shown(words)}}}, with once: true or without"
        elif "command" not in step:
            yield f"has {step!r}, a step without a command: it is to have one, as in {_FORM}"
        elif set(step) - {"command", "once"}:
            other = ", ".join(sorted(map(str, set(step) - {"command", "once"})))
            yield f"has {other} in a step, which can have command and once: leave it out"
        elif not isinstance(step.get("once", False), bool):
            yield f"has {step['once']!r} as once of a step, but it must be true or false"
        else:
            found = list(commands.faults(step["command"]))
            yield from found or commands.first_word_faults(step["command"])


def making(steps: list[dict[str, Any]]) -> list[list[str]]:
    """Return the commands that make something of the release."""
    return [step["command"] for step in steps if not step.get("once")]


def once(steps: list[dict[str, Any]]) -> list[list[str]]:
    """Return the commands that come right before the switch."""
    return [step["command"] for step in steps if step.get("once")]
