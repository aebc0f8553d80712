# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on their way into a source, as a stream of tar. Private to the collection."""

from __future__ import annotations

import os
import shutil
import tarfile
from typing import IO

from ansible_collections.pyweb.stack.plugins.module_utils._host import sealing


class StreamError(Exception):
    """There is something in the stream that must not be there; the message says what."""


def unpack(stream: IO[bytes], folder: str) -> list[str]:
    """Write the files and links of a stream to an empty folder, and return their names. Nothing goes by way of a link.

    Raises StreamError for what must not be there, and sealing.ExcessError for more than any app has.
    """
    names, links, size = [], [], 0
    with tarfile.open(fileobj=stream, mode="r|*") as tar:
        for member in tar:
            if member.name.startswith("/") or ".." in member.name.split("/"):
                raise StreamError(f"the name {member.name!r} leads out of the source")
            path = os.path.join(folder, member.name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            names.append(member.name)
            size += member.size
            sealing.refuse_excess(len(names), size)
            if member.issym():
                links.append((member, path))
                continue
            content = tar.extractfile(member) if member.isreg() else None
            if not content:
                raise StreamError(f"{member.name!r} is no file")
            with open(path, "xb") as file:
                shutil.copyfileobj(content, file)
            os.chmod(path, 0o755 if member.mode & 0o100 else 0o644)
    # As long as there are none, no name leads elsewhere than it says.
    for member, path in links:
        try:
            os.symlink(member.linkname, path)
        except FileExistsError:
            raise StreamError(f"the link {member.name!r} is a folder, too") from None
    return names
