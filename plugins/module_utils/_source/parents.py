# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder that a file of a source is in, reached over no link, whatever others put there meanwhile. Private to the collection."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator


@contextlib.contextmanager
def of(folder: str, path: str, make: bool = False) -> Iterator[tuple[int, str]]:
    """Yield a descriptor of the folder that `path` is in, below `folder`, and its name there.

    What is missing is made where `make` says so. Raises OSError, whose `filename` is the part that is a link or a file, or the
    path that leads out of the folder.
    """
    *ahead, name = path.split("/")
    if {"", ".."} & {*ahead, name}:
        raise PermissionError(errno.EACCES, "it leads out of its folder", path)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in ahead:
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, 0o755, dir_fd=descriptor)
            step = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = step
        yield descriptor, name
    finally:
        os.close(descriptor)
