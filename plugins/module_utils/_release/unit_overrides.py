# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user may say of the unit in other words than the design: `gunicorn_unit`. Private to the collection. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from ansible_collections.pyweb.stack.plugins.module_utils._host import hardening

# The sandbox, and what else may be said of any service without touching how this one starts, stops and is found.
_ALLOWED = {name for name, _value in hardening.SERVICE} | {
    *("AllowedCPUs", "CPUAffinity", "CPUWeight", "IOWeight", "Nice", "OOMScoreAdjust"),
    *("MemoryHigh", "MemorySwapMax", "TasksMax"),
    *("LimitAS", "LimitFSIZE", "LimitMEMLOCK", "LimitNPROC", "LimitSTACK"),
    *("BindReadOnlyPaths", "ExecPaths", "NoExecPaths", "ReadOnlyPaths", "TemporaryFileSystem"),
    *("DeviceAllow", "IPAddressAllow", "IPAddressDeny", "PrivateNetwork", "PrivateUsers", "ProcSubset"),
    *("LogRateLimitBurst", "LogRateLimitIntervalSec", "SupplementaryGroups"),
}
_HAS_A_VARIABLE = {
    "CPUQuota": "gunicorn_cpu_quota",
    "Environment": "gunicorn_env",
    "EnvironmentFile": "gunicorn_env",
    "Group": "gunicorn_user",
    "MemoryLimit": "gunicorn_memory_max",
    "MemoryMax": "gunicorn_memory_max",
    "ReadWritePaths": "gunicorn_writable_paths",
    "TimeoutStopSec": "graceful_timeout in gunicorn_settings",
    "User": "gunicorn_user",
    "WorkingDirectory": "gunicorn_chdir",
}


def faults(overrides: dict) -> Iterator[str]:
    """Yield what is wrong with them, as the rest of sentences whose subject is the variable."""
    for name, value in overrides.items():
        if name in _HAS_A_VARIABLE:
            yield f"has {name}, for which there is {_HAS_A_VARIABLE[name]}: use that"
        elif name not in _ALLOWED:
            near = difflib.get_close_matches(str(name), _ALLOWED, n=1)
            hint = f"perhaps {near[0]} was meant" if near else f"they are {', '.join(sorted(_ALLOWED))}"
            yield f"has {name}, which is none of the properties that it can have; {hint}"
        else:
            for one in value if isinstance(value, list) else [value]:
                if not isinstance(one, (str, int, float)):
                    yield f"has {one!r} for {name}, but must have text, a number, yes or no, or a list of these"
                elif not _fits(str(one)):
                    yield (
                        f"has {one!r} for {name}, but a unit can't hold line breaks, control characters, quotes, "
                        "backslashes, nor a % but in a percentage"
                    )


def lines(overrides: dict) -> list[tuple[str, str]]:
    """Return the lines of a unit, sorted by property; an empty list is an empty value, which removes a default."""
    return [
        (name, ("no", "yes")[one] if isinstance(one, bool) else str(one))
        for name, value in sorted(overrides.items())
        for one in (value or [""] if isinstance(value, list) else [value])
    ]


def _fits(text: str) -> bool:
    return (
        text.isprintable() and not set("\"'\\") & set(text) and bool("%" not in text or re.fullmatch("[0-9]+%", text))
    )
