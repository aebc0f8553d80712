# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The locks in whose turn the units of an app start, and who keeps them in line. Private to the collection.

The app's own account can open them, so whatever runs as it can have one for itself. Where a unit has it that ends anyway, its
end is all it takes; nobody ends for any other.
"""

from __future__ import annotations

from collections.abc import Collection

from ansible_collections.pyweb.stack.plugins.module_utils._host import locks, systemd


def fault(lock: str, units: Collection[str]) -> str | None:
    """Return who in none of these units keeps one of them in line for the `lock`, as the rest of a sentence about that one.

    None where nobody does.
    """
    for pid in sorted(locks.holders(lock), key=int):
        unit = systemd.unit_of(pid)
        if unit is not None and unit not in units:
            whose = f" of {unit}" if unit else ""
            return (
                f"waits for the lock on {lock}, which process {pid}{whose} has: end that process, or have its code leave the "
                "lock alone"
            )
    return None
