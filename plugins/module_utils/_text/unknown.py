# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What check mode can't know before the run: neither nothing nor an empty text. Private to the collection."""

from __future__ import annotations

import enum


class Unknown(enum.Enum):
    """The one value of its kind, whose text is what people read in a diff."""

    UNKNOWN = "(not known yet)"


UNKNOWN = Unknown.UNKNOWN


def known(value: str | Unknown) -> str:
    """Return a value that is known wherever anything is made. Raises ValueError where it isn't."""
    if isinstance(value, Unknown):
        raise ValueError("this can't be known before the run")
    return value


def shown(value: str | Unknown | None) -> str | None:
    """Return a value as people read it, in which what is not known yet is a text as well."""
    return value.value if isinstance(value, Unknown) else value
