# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tar or zip archive as a source. Private to the collection."""

from __future__ import annotations

import dataclasses
import importlib
import itertools
import lzma
import os
import stat
import tarfile
import time
import urllib.parse
import zipfile
import zlib
from collections.abc import Callable
from typing import IO

from ansible_collections.pyweb.stack.plugins.module_utils._host import accounts, sealing
from ansible_collections.pyweb.stack.plugins.module_utils._source import large_files, streams
from ansible_collections.pyweb.stack.plugins.module_utils._text import digests, urls

# How much smaller an archive may be than what it unpacks to: code is packed to a fifth, what is packed to a thousandth is
# made to fill a disk.
_FREE = 64 << 20
_TIMES = 100
# A path of Linux.
_LONGEST_TARGET = 4096
# Seconds to unpack it in, and to fetch it in.
_SECONDS = 900
_FETCHED_BY = 3600

# What reading an archive that is damaged may raise, besides OSError.
_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    EOFError,
    LookupError,
    RuntimeError,
    ValueError,
    lzma.LZMAError,
    zlib.error,
)


class ArchiveError(Exception):
    """The archive can't be had or is no source; the message names the variable."""


class Archive:
    """The archive at `location`, as a source that is named by its `sha256`.

    `file` is where it is on this host; without it, `location` is a URL to fetch it from.
    """

    def __init__(self, location: str, sha256: str, file: str | None = None):
        self._location = location
        self._sha256 = sha256.lower()
        self._file = file or ""

    def digest(self, _sources: str) -> str:
        """Return what it is named by."""
        return self._sha256[: digests.LENGTH]

    def identity(self) -> str:
        """Return what distinguishes it from others, before it is fetched."""
        return self.digest("")

    def fetch(self, work: str) -> str:
        """Fetch it into the folder `work`, where it isn't here, and return what it is named by."""
        missing = 0
        if not self._file:
            self._file = os.path.join(work, "archive")
            missing = self._download()
        verify(self._location, self._file, self._sha256, f" (the server left out {missing} bytes)" if missing else "")
        return self.digest("")

    def export(self, folder: str) -> None:
        """Write its files to an empty folder; if one folder holds all of them, without that."""
        try:
            _unpack(self._file, folder)
        except (*_BROKEN, accounts.AccountError, streams.StreamError, sealing.ExcessError, OSError) as error:
            raise ArchiveError(
                f"gunicorn_source.archive: {urls.shown(self._location)} can't be unpacked: {error}"
            ) from error
        fault = large_files.fault(folder)
        if fault:
            raise ArchiveError(f"gunicorn_source.archive: {urls.shown(self._location)}: {fault}")

    def _download(self) -> int:
        """Fetch it from its URL, and return how many bytes of those that the server announced didn't come."""
        # Most sources are no URL, and these take longer to load than all the rest of a step.
        import http.client

        from ansible.module_utils.urls import ConnectionError as UrlError
        from ansible.module_utils.urls import open_url

        user, password = urls.credentials(self._location)
        try:
            # No other server that this one refers to gets the password, and the bytes count as they are stored.
            with (
                open_url(
                    urls.without_credentials(self._location),
                    timeout=60,
                    url_username=user,
                    url_password=password,
                    force_basic_auth=user is not None,
                    unredirected_headers=["Authorization"],
                    decompress=False,
                ) as answer,
                open(self._file, "wb") as file,
            ):
                deadline = time.monotonic() + _FETCHED_BY
                # What is there by now, for a server may send a byte a minute.
                while block := answer.read1(1 << 16):
                    file.write(block)
                    if file.tell() > sealing.MOST_BYTES or time.monotonic() > deadline:
                        raise OSError(
                            f"it has more than {sealing.MOST_BYTES >> 20} MiB, or takes longer than {_FETCHED_BY} s"
                        )
                return max(0, int(answer.headers.get("Content-Length") or 0) - file.tell())
        except (OSError, ValueError, http.client.HTTPException, UrlError) as error:
            raise ArchiveError(
                f"gunicorn_source.archive: {urls.shown(self._location)} can't be fetched: {error}"
            ) from error


def verify(location: str, file: str, sha256: str, remark: str = "") -> None:
    """Raise ArchiveError where a file is not the one that was meant."""
    found = digests.of_file(file)
    if found != sha256.lower():
        raise ArchiveError(
            f"gunicorn_source.sha256 is {sha256.lower()}, but {urls.shown(location)} has the digest {found}{remark}: "
            "the file was changed or truncated, or the checksum is of another version"
        )


def file_name(location: str) -> str:
    """Return what people call the archive at a path or URL."""
    path = urllib.parse.urlsplit(location).path if urls.is_http(location) else location
    return urllib.parse.unquote(os.path.basename(path))


@dataclasses.dataclass
class _Entry:
    """One name in an archive; a folder has nothing more, a link a `target`, a file its `size` and what opens it."""

    name: str
    executable: bool = False
    target: str | None = None
    size: int = 0
    open: Callable[[], IO[bytes]] | None = None


def _unpack(path: str, folder: str) -> None:
    # Whoever packed it may mean harm: nobody reads it, and what root gets to see is a plain stream.
    reader = accounts.NOBODY if os.geteuid() == 0 else None
    # What is imported late, nobody may not be able to read.
    for name in ("bz2", "gzip", "encodings.cp437"):
        importlib.import_module(name)
    with (
        open(path, "rb") as archive,
        accounts.written(reader, lambda file: _repack(archive, file), _SECONDS) as stream,
    ):
        names = streams.unpack(stream, folder)
    top = os.path.realpath(folder)
    for name in names:
        full = os.path.join(folder, name)
        if os.path.islink(full) and os.path.commonpath([top, os.path.realpath(full)]) != top:
            raise ValueError(f"the link {name!r} in it leads out of the source, to {os.readlink(full)!r}")


def _repack(archive: IO[bytes], stream: IO[bytes]) -> None:
    """Write what is in an archive to a stream that `streams.unpack` reads."""
    packed = os.fstat(archive.fileno()).st_size
    if tarfile.is_tarfile(archive):
        archive.seek(0)
        with tarfile.open(fileobj=archive) as tar:
            members = list(itertools.islice(tar, sealing.MOST_FILES + 1))
            _refuse_bomb(packed, [member.size for member in members])
            _read_to_the_end(tar)
            entries = [_of_tar(tar, member) for member in members]
            # By now a hard link has the size of its file.
            _refuse_bomb(packed, [entry.size for entry in entries])
            _write(entries, stream)
    elif zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            _refuse_bomb(packed, [info.file_size for info in zipped.infolist()])
            _write([_of_zip(zipped, info) for info in zipped.infolist()], stream)
    else:
        raise ValueError("it is neither a tar nor a zip archive, or is truncated")


def _refuse_bomb(packed: int, sizes: list[int]) -> None:
    """Raise ExcessError or ValueError where an archive of so many bytes holds more than any app would."""
    sealing.refuse_excess(len(sizes), 0)
    most = min(sealing.MOST_BYTES, _FREE + _TIMES * packed)
    if sum(sizes) > most:
        raise ValueError(
            f"it unpacks to {sum(sizes) >> 20} MiB, but one of its size may unpack to {most >> 20} MiB ({_FREE >> 20} MiB and "
            f"{_TIMES} times its own size, at most {sealing.MOST_BYTES >> 20} MiB): unpack it yourself, and name the folder"
        )


def _read_to_the_end(tar: tarfile.TarFile) -> None:
    """Raise an exception if it has no end: tarfile takes what follows the last whole header for one, and nothing, too."""
    tar.fileobj.seek(tar.offset)
    if tar.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise ValueError("it is truncated")
    # Whoever packed it knows its digest at the end only.
    while tar.fileobj.read(1 << 20):
        pass


def _of_tar(tar: tarfile.TarFile, member: tarfile.TarInfo) -> _Entry:
    if member.isdir():
        return _Entry(member.name)
    if member.issym():
        return _Entry(member.name, target=member.linkname)
    if member.isreg() or member.islnk():
        # A hard link becomes a file of its own, opened as the one it stands for.
        content = tar.extractfile(member)
        if content:
            size = member.size if member.isreg() else content.seek(0, os.SEEK_END)
            content.seek(0)
            return _Entry(member.name, bool(member.mode & stat.S_IXUSR), size=size, open=lambda: content)
    raise ValueError(f"{member.name!r} in it is a device or a pipe")


def _of_zip(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Entry:
    mode = info.external_attr >> 16
    if info.is_dir():
        return _Entry(info.filename)
    if stat.S_ISLNK(mode) and info.file_size <= _LONGEST_TARGET:
        return _Entry(info.filename, target=os.fsdecode(archive.read(info)))
    if stat.S_IFMT(mode) in (0, stat.S_IFREG):
        return _Entry(info.filename, bool(mode & stat.S_IXUSR), size=info.file_size, open=lambda: archive.open(info))
    raise ValueError(f"{info.filename!r} in it is a device or a pipe")


def _write(entries: list[_Entry], stream: IO[bytes]) -> None:
    """Write all to a stream, without the folder that holds all. Raises ValueError for what would lead out of it."""
    for entry in entries:
        if entry.name.startswith("/") or ".." in entry.name.split("/"):
            raise ValueError(f"the name {entry.name!r} in it leads out of the source")
        entry.name = os.path.normpath(entry.name)
    # As tar itself has it, of two entries of one name the later counts.
    entries = list({entry.name: entry for entry in entries}.values())
    files = [entry for entry in entries if entry.open]
    links = [entry for entry in entries if entry.target is not None]
    if not files:
        raise ValueError("it holds no file")
    inside = _top([entry.name for entry in files + links])
    with tarfile.open(fileobj=stream, mode="w|") as tar:
        for entry in files + links:
            member = tarfile.TarInfo(os.path.relpath(entry.name, inside))
            if entry.open:
                member.size, member.mode = entry.size, 0o755 if entry.executable else 0o644
                with entry.open() as content:
                    tar.addfile(member, content)
            else:
                member.type, member.linkname = tarfile.SYMTYPE, entry.target or ""
                tar.addfile(member)


def _top(names: list[str]) -> str:
    """Return the folder that holds all of these, as in the archives of code hosts, or the top."""
    first = names[0].split("/")[0]
    return first if all(name.startswith(f"{first}/") for name in names) else "."
