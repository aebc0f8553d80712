# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who waits on a unix socket. Private to the collection."""

from __future__ import annotations


def length(path: str) -> tuple[int, int]:
    """Return how many connections to the unix socket at `path` wait in its queue, and how many were accepted."""
    waiting = accepted = 0
    with open("/proc/net/unix", encoding="utf-8", errors="replace") as table:
        for row in table:
            fields = row.split(maxsplit=7)
            if len(fields) == 8 and fields[7].rstrip("\n") == path:
                waiting += fields[5] == "02"
                accepted += fields[5] == "03"
    return waiting, accepted
