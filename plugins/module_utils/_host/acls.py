# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say what one more account may do with a file or a folder, beside its owner and group (acl(5)). Private to the collection.

By descriptors, so that no link leads elsewhere, and without the package acl, which few servers have.
"""

from __future__ import annotations

import errno
import os
import struct

READ, ENTER, NOTHING = 4, 1, 0
# As linux/posix_acl_xattr.h has them: a version, then a tag, rights and a number for each entry.
_ACCESS, _DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
_VERSION, _ENTRY = struct.pack("<I", 2), "<HHI"
_OWNER, _USER, _GROUP, _MASK, _OTHERS = 1, 2, 4, 16, 32
_NOBODY = 0xFFFFFFFF

Entries = dict[tuple[int, int], int]


def allow(descriptor: int, uid: int, rights: int) -> None:
    """Give the account `uid` these rights to an open file or folder, and no others, whatever everybody has.

    Raises OSError, ENOTSUP where there are no ACLs.
    """
    entries = _entries(descriptor, _ACCESS) or _of_mode(os.fstat(descriptor).st_mode)
    entries[_USER, uid] = rights
    # The mask is the most that anybody but the owner and others has, and what chmod takes for the group's.
    entries[_MASK, _NOBODY] = entries.get((_MASK, _NOBODY), entries[_GROUP, _NOBODY]) | rights
    _write(descriptor, _ACCESS, entries)


def allow_later(descriptor: int, uid: int, rights: int) -> None:
    """Give the account `uid` these rights to all that will be made in an open folder, whatever the umask of who makes it.

    The group of who makes it may read it, too, and others nothing.
    """
    entries = _entries(descriptor, _DEFAULT) or {(_OWNER, _NOBODY): 7, (_GROUP, _NOBODY): 5, (_OTHERS, _NOBODY): 0}
    entries[_USER, uid] = rights
    entries[_MASK, _NOBODY] = entries.get((_MASK, _NOBODY), entries[_GROUP, _NOBODY]) | rights
    _write(descriptor, _DEFAULT, entries)


def allows(descriptor: int, uid: int, rights: int) -> bool:
    """Say whether the account `uid` has these rights by `allow`, and no others."""
    entries = _entries(descriptor, _ACCESS)
    return (_USER, uid) in entries and entries[_USER, uid] & entries[_MASK, _NOBODY] == rights


def allows_later(descriptor: int, uid: int, rights: int) -> bool:
    """Say whether the account `uid` will have these rights by `allow_later`."""
    return _entries(descriptor, _DEFAULT).get((_USER, uid)) == rights


def withdraw(descriptor: int, uid: int) -> bool:
    """Take back what the account `uid` was given; say whether that was anything."""
    entries = _entries(descriptor, _ACCESS)
    if entries.pop((_USER, uid), None) is None:
        return False
    if not any(tag == _USER for tag, _uid in entries):
        # Nobody is left for whom the mask was.
        mask = entries.pop((_MASK, _NOBODY), 7)
        entries[_GROUP, _NOBODY] &= mask
    _write(descriptor, _ACCESS, entries)
    return True


def _of_mode(mode: int) -> Entries:
    return {(_OWNER, _NOBODY): mode >> 6 & 7, (_GROUP, _NOBODY): mode >> 3 & 7, (_OTHERS, _NOBODY): mode & 7}


def _entries(descriptor: int, kind: str) -> Entries:
    try:
        value = os.getxattr(descriptor, kind)
    except OSError as error:
        if error.errno == errno.ENODATA:
            return {}
        raise
    return {(tag, uid): rights for tag, rights, uid in struct.iter_unpack(_ENTRY, value[len(_VERSION) :])}


def _write(descriptor: int, kind: str, entries: Entries) -> None:
    packed = [struct.pack(_ENTRY, tag, rights, uid) for (tag, uid), rights in sorted(entries.items())]
    os.setxattr(descriptor, kind, _VERSION + b"".join(packed))
