# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variables of the environment a file of an app insists on. Private to the collection.

Settings ask for one after the other and end at the first that is missing, so each would cost a run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ansible_collections.pyweb.stack.plugins.module_utils._host import files

_NAME = re.compile(r"[A-Z][A-Z0-9_]+")
# As django-environ, environs and decouple are used.
_READERS = ("env", "config")


def after(source: str, path: str, line: int) -> list[str]:
    """Return the variables for which a file of a source asks without a default below a line, where it can be read, each once."""
    try:
        tree = ast.parse(files.read_brought(source, path))
        nodes = [node for node in ast.walk(tree) if isinstance(node, ast.expr) and node.lineno > line]
        prefixes = [*_prefixes(tree)]
        names = [
            f"{''.join(prefix for lines, prefix in prefixes if node.lineno in lines)}{name}"
            for node in sorted(nodes, key=lambda node: node.lineno)
            for name in _asked(node)
        ]
        known = {word for node in ast.walk(tree) for word in _defaults(node)}
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return [name for name in dict.fromkeys(names) if name not in known]


def prefix(source: str, path: str) -> str:
    """Return what goes before all names of the class of pydantic's settings in a file of a source; empty where nothing does."""
    found = re.search(r"\benv_prefix['\"]?\s*[=:]\s*['\"](\w+)['\"]", files.brought_text(source, path))
    return found[1] if found else ""


def _prefixes(tree: ast.AST) -> Iterator[tuple[range, str]]:
    """Yield the lines within which environs puts something before each name, and what."""
    for node in [node for node in ast.walk(tree) if isinstance(node, ast.With)]:
        for call in [item.context_expr for item in node.items]:
            if isinstance(call, ast.Call) and ast.unparse(call.func).endswith(".prefixed") and call.args:
                given = call.args[0]
                if isinstance(given, ast.Constant):
                    yield range(node.lineno, (node.end_lineno or node.lineno) + 1), str(given.value)


def _defaults(node: ast.AST) -> Iterator[str]:
    """Yield the variables to which django-environ's Env(NAME=(kind, default)) gives a default."""
    if isinstance(node, ast.Call) and re.fullmatch(r"(?:\w+\.)*(?:Fileaware)?Env", ast.unparse(node.func)):
        for word in node.keywords:
            if word.arg and isinstance(word.value, ast.Tuple) and len(word.value.elts) > 1:
                yield word.arg


def _asked(node: ast.expr) -> Iterator[str]:
    """Yield the variable for which an expression itself asks, if it does."""
    asked: list[ast.expr] = []
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) in ("os.environ", "environ"):
        asked = [node.slice]
    elif isinstance(node, ast.Call) and (words := ast.unparse(node.func).split("."))[0] in _READERS:
        has_default = len(node.args) > 1 or any(word.arg == "default" for word in node.keywords)
        # It says what goes before names, and is none.
        is_prefix = words[-1] == "prefixed"
        asked = [] if has_default or is_prefix else node.args
    for each in asked:
        if isinstance(each, ast.Constant) and _NAME.fullmatch(str(each.value)):
            yield str(each.value)
