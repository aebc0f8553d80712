# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Procfile of the source starts beside the web process, as variables say it here. Private to the collection.

Heroku, Dokku and foreman read such a file: https://devcenter.heroku.com/articles/procfile. Here it counts for nothing, so
what it starts must not be missing without a word.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Collection, Iterable

from ansible_collections.pyweb.stack.plugins.module_utils._host import files
from ansible_collections.pyweb.stack.plugins.module_utils._release import commands

_LINE = re.compile(r"^([A-Za-z0-9_-]+):[ \t]*(\S.*?)\s*$", re.MULTILINE)
# It starts what a developer has at hand, and the web in another way.
_DEVELOPMENT = re.compile(r"\brunserver\b|--reload\b|\bflask\b.*\brun\b|\bnpm run\b|--watch\b|\btailwind\b")
# To the folder that everything runs in here.
_TO_ITS_FOLDER = re.compile(r"^cd\s+\S+\s*&&\s*")
_SHELL = re.compile(r"[$`|&;<>()*?~]|^\w+=")


def told(folders: Iterable[str], wanted: Collection[str]) -> list[str]:
    """Return sentences with lines to add, for what is `wanted` of the first such file in these folders.

    That is `processes`, those beside the web, and `release`, what a platform runs before each release. One that is for
    development has none of them.
    """
    found = next(filter(None, (_LINE.findall(files.brought_text(folder, "Procfile")) for folder in folders)), [])
    if any(_DEVELOPMENT.search(text) for _name, text in found):
        return []
    processes = [_process(name, text) for name, text in found if name not in ("web", "release")]
    steps = [f"{{command: {commands.shown(_command(text))}, once: true}}" for name, text in found if name == "release"]
    lines = [f"gunicorn_processes: {{{', '.join(processes)}}}"] if processes and "processes" in wanted else []
    lines += [f"gunicorn_before_switch: [{', '.join(steps)}]"] if steps and "release" in wanted else []
    return [
        f"The source's Procfile has more than the web, which runs here only if a variable says so: add {line}"
        for line in lines
    ]


def _process(name: str, text: str) -> str:
    once = ", overlap: false" if commands.has_a_beat(text.split()) else ""
    return f"{name.lower().replace('-', '_')}: {{command: {commands.shown(_command(text))}{once}}}"


def _command(text: str) -> list[str]:
    text = _TO_ITS_FOLDER.sub("", text)
    try:
        words = [] if _SHELL.search(text) else shlex.split(text)
    except ValueError:
        words = []
    if len(words) > 1 and re.fullmatch(r"python3?", words[0]) and os.path.basename(words[1]) == commands.MANAGE:
        words = words[1:]
    if not words or [*commands.first_word_faults(words)]:
        return ["/bin/sh", "-c", text]
    return words
