# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's own Python for `gunicorn.conf.py`. Private to the collection.

Here it is only read, and by the very Python that will run it; it first runs in the sandbox, where the release is proved.
"""

from __future__ import annotations

import difflib
import glob
import itertools
import os
import re
from collections.abc import Collection

from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn import answers
from ansible_collections.pyweb.stack.plugins.module_utils._host import files, sandboxes

# Until what only reads is given up.
_SECONDS = 60
# How like a setting's name one is that was meant for it.
_NEAR = 0.75

# Says what is wrong with the file's syntax, which names the file gives a value, each with its line, and which it reads.
_QUESTION = f"""
{answers.TELL}
import ast, sys
functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
scopes = (*functions, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

def in_module(node):
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, scopes):
            yield from in_module(child)

text, wrong, bound, read = sys.stdin.buffer.read().decode(), None, [], []
try:
    compile(text, "gunicorn_conf_file", "exec")
    tree = ast.parse(text)
except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
    wrong = [getattr(error, "lineno", None) or 1, str(getattr(error, "msg", error))]
else:
    for node in in_module(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            wrong = [node.lineno, "an import from __future__ can only be at the head of a file: leave it out"]
        elif isinstance(node, functions):
            bound.append([node.name, node.lineno])
        elif isinstance(node, ast.alias):
            bound.append([(node.asname or node.name).split(".")[0], node.lineno])
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.append([node.id, node.lineno])
    read = sorted({{n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Store)}})
tell(wrong=wrong, bound=bound, read=read)
"""


# As people call such a file.
_LIKE = re.compile(r"gunicorn(?:[._-]?(?:conf|config|cfg|settings))*\.py")

# What people give gunicorn where a platform or a container starts it, but for how many workers, which are planned.
_STARTED = re.compile(r"^(?:web:|(?:CMD|ENTRYPOINT)\s).*?\bgunicorn\b(.*)$", re.MULTILINE)
_OPTIONS = {
    "-k": "worker_class",
    "-t": "timeout",
    "--keep-alive": "keepalive",
    **{
        f"--{name.replace('_', '-')}": name
        for name in (
            *("worker_class", "threads", "timeout", "graceful_timeout", "max_requests", "max_requests_jitter"),
            *("worker_connections",),
        )
    },
}


class ConfFileError(Exception):
    """The file can't be read; the message is the rest of a sentence whose subject is the variable."""


def read(folder: str, path: str) -> str:
    """Return the text of a file in the source, `path` relative to `folder`, where the app runs.

    Raises ConfFileError where it is not there.
    """
    full = os.path.normpath(os.path.join(folder, path))
    # A link could lead to what only root may read, and the text becomes readable for the app.
    if os.path.realpath(full) != os.path.normpath(os.path.join(os.path.realpath(folder), path)):
        raise ConfFileError(f"is {path!r}, which is or goes through a link: name the file itself")
    try:
        with open(full, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfFileError(
            f"is {path!r}, but {full} can't be read ({getattr(error, 'strerror', error)}): name a file in the source "
            "relative to where the app runs, or one on the controller by its absolute path"
        ) from error


def like(folder: str) -> list[str]:
    """Return the files in a folder, and in the folders in it, that look like gunicorn's configuration, relative to it."""
    found = [path for depth in ("", "*/") for path in glob.glob(f"{depth}gunicorn*.py", root_dir=folder)]
    return sorted(path for path in found if _LIKE.fullmatch(os.path.basename(path)))


def started(folder: str) -> dict[str, dict[str, str]]:
    """Return with which settings files in a folder start gunicorn for others than this collection, by the files' names."""
    found: dict[str, dict[str, str]] = {}
    for name in ("Procfile", "Dockerfile"):
        match = _STARTED.search(files.brought_text(folder, name))
        words = re.split(r"[\s=\[\],\"']+", match[1]) if match else []
        values = {_OPTIONS[word]: value for word, value in itertools.pairwise(words) if word in _OPTIONS}
        # What a shell fills in is not known.
        values = {setting: value for setting, value in values.items() if re.fullmatch(r"[\w.]+", value)}
        found |= {name: values} if values else {}
    return found


def faults(run: sandboxes.Run, python: str, text: str, owned: dict[str, str], known: Collection[str]) -> list[str]:
    """Return what is wrong with a file, a line each.

    `python`, which `run` runs, is the interpreter that will run it, `owned` the settings that it may not set, each with
    what to use instead, and `known` the names of all settings.
    """
    done = run([python, "-I", "-c", _QUESTION], seconds=_SECONDS, stdin=text)
    told = answers.told(done.stdout)
    if done.returncode or not told:
        return [f"{python} can't read it: {answers.last_words(done)}"]
    answer = told[-1]
    if answer["wrong"]:
        return ["line {}: {}".format(*answer["wrong"])]
    found = []
    for name, line in answer["bound"]:
        if name in owned:
            found.append(f"line {line} sets {name}, which is not this file's to set: {owned[name]}")
        # gunicorn ignores in silence what it doesn't know. What the file itself reads it may call as it likes.
        elif name not in known and name not in answer["read"] and not name.startswith("_"):
            near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=_NEAR)
            if near:
                found.append(f"line {line} sets {name}, which gunicorn doesn't know: did you mean {near[0]}?")
    return found
