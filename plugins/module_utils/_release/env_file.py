# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
r"""The text of a systemd EnvironmentFile. Private to the collection.

Inside double quotes systemd unescapes a backslash before one of C("\`$) and takes everything else as it stands,
line breaks included (systemd.exec(5), and measured on systemd 247, 252 and 257).
"""

from __future__ import annotations

import re

from ansible_collections.pyweb.stack.plugins.module_utils._text import naming

# Set by systemd for the service, or able to override what the release was proved with.
RESERVED = {
    "GUNICORN_CMD_ARGS": "it would override the proved configuration: use gunicorn_settings",
    "LISTEN_FDS": "systemd sets it",
    "LISTEN_PID": "systemd sets it",
    "LISTEN_FDNAMES": "systemd sets it",
    "NOTIFY_SOCKET": "systemd sets it",
    "STATE_DIRECTORY": "systemd sets it",
    naming.START_VARIABLE: "the release sets it",
}
# Bytes beyond which the kernel starts no program (execve(2)): 128 KiB for a variable with its name and a NUL, and 2 MiB, a
# quarter of the stack, for all of them and the arguments. Some of that is for systemd's own.
LONGEST = 128 * 1024 - 1
MOST = 2_000_000
_NUL_AND_POINTER = 9
# NUL, lone surrogates and what Unicode has for no character: two at the end of each plane, and some besides.
_ENDS = "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
_UNHOLDABLE = re.compile(f"[\0\ud800-\udfff\ufdd0-\ufdef{_ENDS}]")
# What as a text would be that of Python's, which no app takes.
_REMEDIES = {
    "none": "leave it out, or give it '', and end its template with \"| default('', true)\"",
    "list": "make it one text, as by \"| join(',')\"",
    "dict": "make it one text, as by '| to_json'",
}


def faults(variables: dict) -> list[str | None]:
    """Return the faults of these variables, and of all together; None for each that is well."""
    found = [fault(key, value) for key, value in variables.items()]
    size = 0 if any(found) else sum(_size(key, value) + _NUL_AND_POINTER for key, value in variables.items())
    if size > MOST:
        found.append(
            f"takes {size} bytes, but a process can have {MOST}: put what is long into a file that the app reads"
        )
    return found


def fault(key: object, value: object) -> str | None:
    """Return why a process of a systemd service can't get this variable, without showing its value, or None."""
    wrong_key = naming.env_key(key)
    if wrong_key:
        return wrong_key
    if key in RESERVED:
        return f"sets {key}, but {RESERVED[key]}"
    if not isinstance(value, str):
        kind = next((kind.__name__ for kind in (bool, int, float, list, dict) if isinstance(value, kind)), "none")
        remedy = _REMEDIES.get(kind, "put the value in quotes, or end its template with '| string'")
        return f"has a value of type {kind} for {key}, but the environment holds text only: {remedy}"
    if _UNHOLDABLE.search(value):
        return f"has a value for {key} with a NUL, a lone surrogate or a Unicode noncharacter, which systemd can't hold"
    size = _size(str(key), value)
    if size > LONGEST:
        return f"has {size} bytes for {key}, but a variable can have {LONGEST}: put them into a file that the app reads"
    return None


def render(variables: dict[str, str]) -> str:
    """Return the file that gives a service exactly `variables`, sorted by name; they must have no fault."""
    return "".join(
        '{}="{}"\n'.format(key, re.sub(r'(["\\`$])', r"\\\1", value)) for key, value in sorted(variables.items())
    )


def parse(text: str) -> dict[str, str]:
    """Return the variables of a file that `render` made."""
    pairs = re.findall(r'^(\w+)="((?:[^"\\]|\\.)*)"$', text, re.MULTILINE | re.DOTALL)
    return {key: re.sub(r'\\(["\\`$])', r"\1", value) for key, value in pairs}


def _size(key: str, value: str) -> int:
    return len(f"{key}={value}".encode())
