# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An archive as a source; archives and servers are real."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import io
import os
import pathlib
import random
import re
import stat
import tarfile
import tempfile
import threading
import time
import zipfile

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._source import archive
from ansible_collections.pyweb.stack.plugins.module_utils._source.archive import Archive, ArchiveError, file_name

# What no packer makes much smaller, so that a part of the packed is a part of the content.
NOISE = random.Random(1).randbytes(50000)
FILES = {"app.py": (b"app = None\n", 0o644), "bin/run": (b"#!/bin/sh\n", 0o755), "big": (NOISE, 0o600)}


def _tar(path, entries: dict, mode="w") -> pathlib.Path:
    """Write a tar file: a tuple is a file's content and mode, a text a symbolic link, a list another type and its target."""
    with tarfile.open(path, mode) as tar:
        for name, entry in entries.items():
            member, content = tarfile.TarInfo(name), b""
            if isinstance(entry, tuple):
                content, member.mode = entry
                member.size = len(content)
            elif isinstance(entry, str):
                member.type, member.linkname = tarfile.SYMTYPE, entry
            else:
                member.type, member.linkname = entry
            tar.addfile(member, io.BytesIO(content))
    return path


def _zip(path, entries: dict, _mode="") -> pathlib.Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, entry in entries.items():
            info = zipfile.ZipInfo(name)
            content, mode = (entry, stat.S_IFLNK | 0o777) if isinstance(entry, str) else entry
            info.external_attr = (mode if stat.S_IFMT(mode) else stat.S_IFREG | mode) << 16
            archive.writestr(info, content)
    return path


def _sum(path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextlib.contextmanager
def _written_here(_account, write, _seconds):
    """Do what `accounts.written` does, in this process."""
    with tempfile.TemporaryFile() as file:
        # Which the writer closes.
        with open(os.dup(file.fileno()), "wb") as copy:
            write(copy)
        file.seek(0)
        yield file


@pytest.fixture(params=["by nobody", "here"])
def unpack(tmp_path, request, monkeypatch):
    """Unpack an archive into a folder and return that; whoever reads it, the outcome is the same."""
    if request.param == "here":
        monkeypatch.setattr(archive.accounts, "written", _written_here)

    def unpack(path) -> pathlib.Path:
        source = Archive(str(path), _sum(path), str(path))
        assert source.fetch(str(tmp_path)) == source.digest("") == _sum(path)[:40]
        folder = tmp_path / "unpacked"
        folder.mkdir()
        source.export(str(folder))
        return folder

    return unpack


def _tree(folder) -> dict:
    """Return what a folder holds, as `_tar` takes it."""
    return {
        path.relative_to(folder).as_posix(): os.readlink(path)
        if path.is_symlink()
        else (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }


@pytest.mark.parametrize(
    ("write", "mode"),
    [(_tar, "w"), (_tar, "w:gz"), (_tar, "w:bz2"), (_tar, "w:xz"), (_zip, "")],
    ids=["tar", "gz", "bz2", "xz", "zip"],
)
@pytest.mark.parametrize("top", ["", "./", "shop-1.0/", "./shop-1.0/"])
def test_every_kind_of_archive(tmp_path, unpack, write, mode, top):
    entries = {**FILES, "current": "bin/run", "bin/up": "../app.py", "nowhere": "nosuch"}
    path = write(tmp_path / "a", {f"{top}{name}": entry for name, entry in entries.items()}, mode)
    assert _tree(unpack(path)) == {**entries, "big": (NOISE, 0o644)}


def test_one_folder_is_the_top_only_if_it_holds_all(tmp_path, unpack):
    path = _tar(tmp_path / "a", {"shop/app.py": (b"", 0o644), "shopping.txt": (b"", 0o644)})
    assert sorted(_tree(unpack(path))) == ["shop/app.py", "shopping.txt"]


def test_files_of_git_lfs_without_their_content_are_refused(tmp_path, unpack):
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n"
    attributes = (b"*.png filter=lfs diff=lfs merge=lfs -text\n", 0o644)
    entries = {"shop/.gitattributes": attributes, "shop/app.py": (b"", 0o644), "shop/logo.png": (pointer, 0o644)}
    packed = _tar(tmp_path / "shop.tar", entries)
    with pytest.raises(
        ArchiveError, match=r"shop.tar: it has files of Git LFS without their content, such as logo.png"
    ):
        unpack(packed)


def test_a_file_alone_is_no_folder(tmp_path, unpack):
    assert list(_tree(unpack(_tar(tmp_path / "a", {"app.py": (b"", 0o644)})))) == ["app.py"]


def test_an_archive_as_code_hosts_make_it(tmp_path, unpack, git, write):
    project = write(tmp_path / "project", {"bin/run": "", "app.py": ""})
    (project / "bin/run").chmod(0o755)
    git(project, "init", "--quiet")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "-m", "one")
    git(project, "archive", "--prefix=project-1.0/", f"--output={tmp_path}/a.tar.gz", "HEAD")
    assert _tree(unpack(tmp_path / "a.tar.gz")) == {"bin/run": (b"", 0o755), "app.py": (b"", 0o644)}


def test_a_hard_link_is_a_file(tmp_path, unpack):
    path = _tar(tmp_path / "a", {"shop/app.py": (b"app", 0o644), "shop/same.py": [tarfile.LNKTYPE, "shop/app.py"]})
    assert _tree(unpack(path))["same.py"] == (b"app", 0o644)


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        pytest.param({"../evil": (b"", 0o644)}, "the name '../evil' in it leads out", id="up"),
        pytest.param({"a/../../evil": (b"", 0o644)}, "the name 'a/../../evil' in it leads out", id="down and up"),
        pytest.param({"/tmp/evil": (b"", 0o644)}, "the name '/tmp/evil' in it leads out", id="absolute"),
        pytest.param({"link": "/etc/passwd"}, "it holds no file", id="no file"),
        pytest.param({"a": (b"", 0o644), "link": "/etc"}, "the link 'link' in it leads out .*'/etc'", id="to a path"),
        pytest.param({"a": (b"", 0o644), "b/link": "../../x"}, "the link 'b/link' in it leads out", id="up by a link"),
        pytest.param(
            {"a": (b"", 0o644), "d/e/to_top": "../..", "link": "d/e/to_top/.."}, "the link 'link' in it", id="by two"
        ),
        pytest.param(
            {"link": "..", "link/evil": (b"", 0o644)}, "the link 'link' is a folder, too", id="a file through a link"
        ),
        pytest.param({"app.py": (b"", 0o644), "app.py/b": (b"", 0o644)}, "File exists|Not a directory", id="in a file"),
    ],
)
@pytest.mark.parametrize("write", [_tar, _zip], ids=["tar", "zip"])
def test_what_leads_out_is_refused(tmp_path, unpack, write, entries, said):
    with pytest.raises(ArchiveError, match=f"^gunicorn_source.archive: {tmp_path}/a can't be unpacked: .*{said}"):
        unpack(write(tmp_path / "a", entries))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "unpacked"]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (tarfile.FIFOTYPE, "'x' in it is a device or a pipe"),
        (tarfile.CHRTYPE, "'x' in it is a device or a pipe"),
        (tarfile.LNKTYPE, "nosuch"),
    ],
)
def test_what_is_no_file_is_refused(tmp_path, unpack, kind, said):
    with pytest.raises(ArchiveError, match=f"gunicorn_source.archive: .*{said}"):
        unpack(_tar(tmp_path / "a", {"app.py": (b"", 0o644), "x": [kind, "nosuch"]}))


def test_a_device_in_a_zip_is_refused(tmp_path, unpack):
    with pytest.raises(ArchiveError, match="'x' in it is a device or a pipe"):
        unpack(_zip(tmp_path / "a", {"app.py": (b"", 0o644), "x": (b"", stat.S_IFIFO | 0o644)}))


@pytest.mark.parametrize(
    ("write", "mode"),
    [(_tar, "w"), (_tar, "w:gz"), (_tar, "w:bz2"), (_tar, "w:xz"), (_zip, "")],
    ids=["tar", "gz", "bz2", "xz", "zip"],
)
@pytest.mark.parametrize("part", [0, 1, 100, 512, 1024, 1536, 30000, -30000])
def test_what_was_cut_off_is_refused(tmp_path, unpack, write, mode, part):
    path = write(tmp_path / "a", FILES, mode)
    path.write_bytes(path.read_bytes()[:part])
    with pytest.raises(ArchiveError, match=r"gunicorn_source.archive: .*/a can't be unpacked: "):
        unpack(path)


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_what_lacks_its_last_bytes_is_refused(tmp_path, unpack, mode):
    path = _tar(tmp_path / "a", FILES, mode)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ArchiveError, match="ended before the end-of-stream marker"):
        unpack(path)


def test_a_tar_file_that_was_cut_between_two_files_is_refused(tmp_path, unpack):
    path = _tar(tmp_path / "a", dict.fromkeys("abc", (b"x" * 512, 0o644)))
    path.write_bytes(path.read_bytes()[:2048])
    with pytest.raises(ArchiveError, match="it is truncated"):
        unpack(path)


def test_a_damaged_zip_is_refused(tmp_path, unpack):
    path = _zip(tmp_path / "a", FILES)
    content = path.read_bytes()
    path.write_bytes(content[:30000] + b"damaged" + content[30007:])
    with pytest.raises(ArchiveError, match=r"gunicorn_source.archive: .*/a can't be unpacked: "):
        unpack(path)


def test_what_is_no_archive_is_refused(tmp_path, unpack):
    (tmp_path / "a").write_text("<html>Sign in</html>")
    with pytest.raises(
        ArchiveError, match="/a can't be unpacked: it is neither a tar nor a zip archive, or is truncated"
    ):
        unpack(tmp_path / "a")


def test_another_archive_than_was_meant(tmp_path):
    path = _tar(tmp_path / "a", FILES)
    said = f"^gunicorn_source.sha256 is {'a' * 64}, but {path} has the digest {_sum(path)}: the file was changed or truncated"
    with pytest.raises(ArchiveError, match=said):
        Archive(str(path), "A" * 64, str(path)).fetch(str(tmp_path))


def test_a_digest_may_be_written_in_capitals(tmp_path):
    path = _tar(tmp_path / "a", FILES)
    assert Archive(str(path), _sum(path).upper(), str(path)).fetch(str(tmp_path)) == _sum(path)[:40]


@pytest.fixture
def serve(monkeypatch):
    """Serve some bytes, one each `pause`, or fewer than announced, or refer elsewhere; return the address and what was asked."""
    servers = []
    monkeypatch.setenv("no_proxy", "*")

    def serve(content=b"", missing=0, elsewhere=None, pause=0.0):
        requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                requests.append(self)
                self.send_response(302 if elsewhere else 200)
                self.send_header("Content-Length", str(len(content) + missing))
                if elsewhere:
                    self.send_header("Location", elsewhere)
                self.end_headers()
                for part in [content[at : at + 1] for at in range(len(content))] if pause else [content]:
                    with contextlib.suppress(OSError):
                        self.wfile.write(part)
                    time.sleep(pause)

            def log_message(self, *_arguments):
                """Say nothing."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return f"127.0.0.1:{server.server_port}", requests

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_url_is_fetched_with_its_credentials_and_those_go_no_further(tmp_path, serve):
    path = _tar(tmp_path / "a", FILES, "w:gz")
    there, asked_there = serve(path.read_bytes())
    here, asked_here = serve(elsewhere=f"http://{there}/stored?signature=x")

    archive = Archive(f"http://me:hun%40ter2@{here}/shop-1.0.tar.gz?token=x", _sum(path))

    assert archive.fetch(str(tmp_path)) == _sum(path)[:40]
    assert asked_here[0].path == "/shop-1.0.tar.gz?token=x"
    assert asked_here[0].headers["Authorization"] == "Basic bWU6aHVuQHRlcjI="
    assert asked_there[0].headers["Authorization"] is None


def test_a_url_that_brings_less_than_announced(tmp_path, serve):
    here, _asked = serve(b"x" * 100, missing=23)
    with pytest.raises(
        ArchiveError, match=r"gunicorn_source.sha256 is .* \(the server left out 23 bytes\): the file was"
    ):
        Archive(f"http://me:hunter2@{here}/a.tar?token=hunter2", "a" * 64).fetch(str(tmp_path))


def test_a_url_that_never_comes_to_its_end(tmp_path, serve, monkeypatch):
    monkeypatch.setattr(archive, "_FETCHED_BY", 0.2)
    here, _asked = serve(b"x" * 1200, pause=0.05)
    began = time.monotonic()
    with pytest.raises(ArchiveError, match=r"takes longer than 0\.2 s"):
        Archive(f"http://{here}/a.tar", "a" * 64).fetch(str(tmp_path))
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("host", ["127.0.0.1:1", "nosuch.invalid"])
def test_a_url_that_does_not_answer(tmp_path, monkeypatch, host):
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(
        ArchiveError, match=f"gunicorn_source.archive: http://{host}/a.tar can't be fetched: "
    ) as caught:
        Archive(f"http://me:hunter2@{host}/a.tar?token=hunter2", "a" * 64).fetch(str(tmp_path))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "location",
    ["shop 1.0.tar.gz", "../dist/shop 1.0.tar.gz", "https://me:x@example.com/dist/shop%201.0.tar.gz?token=x#y"],
)
def test_an_archive_is_called_by_its_file_name(location):
    assert re.fullmatch(r"shop 1\.0\.tar\.gz", file_name(location))


@pytest.mark.alike
def test_a_small_archive_of_a_large_file_is_refused_with_the_limit(tmp_path, unpack):
    path = _tar(tmp_path / "a", {"app.py": (bytes(80 << 20), 0o644)}, "w:gz")
    with pytest.raises(ArchiveError, match=r"it unpacks to 80 MiB, but one of its size may unpack to 7[0-9] MiB"):
        unpack(path)
    assert list((tmp_path / "unpacked").iterdir()) == []


def test_hard_links_count_as_the_files_that_they_become(tmp_path, unpack):
    links = {f"same{number}": [tarfile.LNKTYPE, "app.py"] for number in range(30)}
    with pytest.raises(ArchiveError, match=r"it unpacks to 12[0-9] MiB, but"):
        unpack(_tar(tmp_path / "a", {"app.py": (bytes(4 << 20), 0o644), **links}, "w:gz"))


def test_more_files_than_any_app_has(tmp_path, unpack, monkeypatch):
    monkeypatch.setattr(archive.sealing, "MOST_FILES", 20)
    with pytest.raises(ArchiveError, match="it holds more than 20 files and folders"):
        unpack(_tar(tmp_path / "a", {f"{number}.py": (b"", 0o644) for number in range(21)}))


def test_of_two_files_of_one_name_the_later_counts(tmp_path, unpack):
    path = _tar(tmp_path / "a", {"app.py": (b"old", 0o644), "./app.py": (b"new", 0o644), "more.py": (b"", 0o644)})
    assert _tree(unpack(path))["app.py"] == (b"new", 0o644)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs somebody else")
@pytest.mark.parametrize("unpack", ["by nobody"], indirect=True)
def test_nobody_reads_it(tmp_path, unpack, monkeypatch):
    asked = []
    written = archive.accounts.written
    monkeypatch.setattr(archive.accounts, "written", lambda who, *more: asked.append(who) or written(who, *more))
    unpack(_tar(tmp_path / "a", {"app.py": (b"", 0o644)}))
    assert asked == [archive.accounts.NOBODY]
