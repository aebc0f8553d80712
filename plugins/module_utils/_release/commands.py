# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command of an app, as its user writes it: a list of words, which no shell sees. Private to the collection.

The first word is a program of the release's environment, an absolute path, or C(manage.py).
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from typing import Any

MANAGE = "manage.py"

_PLAIN = re.compile(r"[\w./+=@-]+")
_NAME = re.compile(r"\w[\w.+-]*")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
# What only a shell makes something of. Words with blanks may be a script, for a shell that the command itself starts.
_SHELL = re.compile(r"[|&;]{1,2}|[0-9]*[<>]{1,2}(?:&?[0-9]|/\S*)?|\S*(?:\$\(|\$\{|`)\S*|\$\w+")
_BUILTINS = {"cd", "exec", "export", "set", "source", "."}
_ACCOUNTS = {"sudo", "su", "runuser", "doas"}
_SYSTEM = "/usr/local/bin:/usr/bin:/bin"


def faults(command: object) -> Iterator[str]:
    """Yield what is wrong with any command, as the rest of sentences whose subject is the variable."""
    if isinstance(command, str):
        yield f"has {command!r}, but a command is a list of words, which no shell splits: write {shown(_split(command))}"
    elif not isinstance(command, list) or not command:
        yield f"has the command {command!r}, but it must be a list of words, such as [manage.py, clearsessions]"
    else:
        yield from _word_faults(command)


def first_word_faults(command: list[str]) -> Iterator[str]:
    """Yield what is wrong with the first word of a command of a release, in which `faults` finds nothing."""
    word = command[0]
    if word.startswith("/") or _NAME.fullmatch(word):
        return
    if os.path.basename(word) == MANAGE:
        yield f"has {word!r}, but {MANAGE} is found where the app runs: write {MANAGE}, and set gunicorn_chdir if it is elsewhere"
    else:
        yield (
            f"has {word!r}, but a command begins with a program of the app's environment by its name, {MANAGE}, or an "
            "absolute path"
        )


def build_faults(command: list[str]) -> Iterator[str]:
    """Yield what is wrong with a command of a build, in which `faults` finds nothing."""
    first = os.path.basename(command[0])
    if first == MANAGE or (re.match(r"python|env$", first) and any(MANAGE in word for word in command)):
        yield (
            f"has {shown(command)}, but a source is built before the app has its packages and without its "
            "environment: that is a command for gunicorn_before_switch"
        )


def absent(command: list[str], venv: str, workdir: str) -> str | None:
    """Return what is wrong with a command whose program isn't there, as the rest of such a sentence; None where it is.

    `venv` is the folder of the environment, and `workdir` the one that the app runs in.
    """
    word, bin_folder = command[0], os.path.join(venv, "bin")
    if word == MANAGE:
        there = os.path.isfile(os.path.join(workdir, MANAGE))
        return (
            None if there else f"has {MANAGE}, but there is none in the folder that the app runs in: set gunicorn_chdir"
        )
    if word.startswith("/"):
        there = os.path.isfile(word)
        return (
            None
            if there
            else f"has {word!r}, but the host has no such file: add its Debian package to gunicorn_packages"
        )
    if os.path.isfile(os.path.join(bin_folder, word)):
        return None
    of_host = shutil.which(word, path=_SYSTEM)
    near = difflib.get_close_matches(word, os.listdir(bin_folder), n=1, cutoff=0.8)
    remedy = (
        f"the host's is {of_host}: write that"
        if of_host
        else f"did you mean {near[0]}?"
        if near
        else "add its package to the app's requirements or to gunicorn_requirements, or write a program of the host's by its path"
    )
    return f"has {word!r}, but the app's environment has no such program: {remedy}"


def argv(command: list[str], release: str) -> list[str]:
    """Return the words that are run for a command of a release, where `release` is its folder and has `venv`.

    It is run in the folder that the app runs in.
    """
    word, *more = command
    if word == MANAGE:
        return [f"{release}/venv/bin/python", word, *more]
    return [word if word.startswith("/") else f"{release}/venv/bin/{word}", *more]


def is_celery(command: list[str]) -> bool:
    """Say whether a command is one of Celery's."""
    return any(word == "celery" or word.endswith("/celery") for word in command[:3])


def has_a_beat(command: list[str]) -> bool:
    """Say whether a command has Celery send tasks at their times, which two of them would do twice."""
    return is_celery(command) and bool({"beat", "-B", "--beat"} & {*command})


def shown(command: list[str]) -> str:
    """Return a command as it is written in YAML, for people."""
    return f"[{', '.join(word if _PLAIN.fullmatch(word) else repr(word) for word in command)}]"


def _word_faults(command: list[Any]) -> Iterator[str]:
    for word in command:
        if not isinstance(word, str):
            yield f"has {word!r} in a command, but its words are text: put it in quotes"
        elif not word and word is command[0]:
            yield f"has a command without its first word, {command!r}"
        elif "\0" in word:
            yield f"has {word!r} in a command, but no word can have a NUL"
        elif not re.search(r"\s", word) and _SHELL.fullmatch(word):
            yield (
                f"has {word!r} in a command, but no shell reads it: write values as they are, each command as a list of its "
                "own, or [/bin/sh, -c, '...'] where it must be a shell's"
            )
    first = command[0] if isinstance(command[0], str) else ""
    if first in _BUILTINS:
        yield f"has {first!r}, which is a shell's own: leave it out, or write [/bin/sh, -c, '...']"
    elif first in _ACCOUNTS:
        yield f"has {first!r}, but what its account may do is the point: leave it out"
    elif _ASSIGNMENT.fullmatch(first):
        yield f"has {first!r} for a program: give the variable by gunicorn_env, or begin with /usr/bin/env"
    elif re.search(r"\s", first) and not first.startswith("/"):
        yield f"has {first!r} as one word: write {shown(_split(first))}"


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()
