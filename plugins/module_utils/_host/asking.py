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
        names = [name for node in sorted(nodes, key=lambda node: node.lineno) for name in _asked(node)]
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return list(dict.fromkeys(names))


def _asked(node: ast.expr) -> Iterator[str]:
    """Yield the variable for which an expression itself asks, if it does."""
    asked: list[ast.expr] = []
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) in ("os.environ", "environ"):
        asked = [node.slice]
    elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".", maxsplit=1)[0] in _READERS:
        has_default = len(node.args) > 1 or any(word.arg == "default" for word in node.keywords)
        asked = [] if has_default else node.args
    for each in asked:
        if isinstance(each, ast.Constant) and _NAME.fullmatch(str(each.value)):
            yield str(each.value)
