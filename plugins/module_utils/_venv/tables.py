# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read TOML. Private to the collection."""

from __future__ import annotations

import functools
import glob
import sys
import types

from ansible_collections.pyweb.stack.plugins.module_utils._venv.requirements import RequirementsError

# Debian's package python3-pip-whl, which every app's host has.
_PIP_WHEELS = "/usr/share/python-wheels/pip-*.whl"


def load(name: str, text: str) -> dict:
    """Return what the TOML file `name` says. Raises RequirementsError where it is none."""
    reader = _reader()
    try:
        return reader.loads(text)
    except reader.TOMLDecodeError as error:
        raise RequirementsError(f"gunicorn_requirements_file: {name} is no valid TOML: {error}") from error


def part(tables: object, *names: str) -> dict:
    """Return a table in a table, empty where there is none."""
    for name in names:
        tables = tables.get(name) if isinstance(tables, dict) else None
    return tables if isinstance(tables, dict) else {}


@functools.cache
def _reader() -> types.ModuleType:
    try:
        import tomllib  # pylint: disable=import-outside-toplevel
    except ImportError:
        # Python 3.10, whose pip brings the same code under its earlier name.
        sys.path.extend(glob.glob(_PIP_WHEELS))
        from pip._vendor import tomli as tomllib  # type: ignore[no-redef] # pylint: disable=import-outside-toplevel
    return tomllib
