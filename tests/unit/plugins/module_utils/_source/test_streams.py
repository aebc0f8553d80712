# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is taken out of a stream that others made, and what is not."""

from __future__ import annotations

import io
import os
import tarfile

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import sealing
from ansible_collections.pyweb.stack.plugins.module_utils._source import streams


def _stream(*members: tuple[str, bytes, dict]) -> io.BytesIO:
    """Return a stream of members, each by its name, its kind and what else is said of it; a file holds its name."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, kind, more in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            info.size = len(name) if kind == tarfile.REGTYPE else 0
            for key, value in more.items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(name.encode()))
    stream.seek(0)
    return stream


def test_files_and_links(tmp_path):
    members = [
        ("link", tarfile.SYMTYPE, {"linkname": "bin/run"}),
        ("bin/run", tarfile.REGTYPE, {"mode": 0o4750}),
        ("app.py", tarfile.REGTYPE, {"mode": 0o666}),
    ]
    assert streams.unpack(_stream(*members), str(tmp_path)) == ["link", "bin/run", "app.py"]
    assert os.readlink(tmp_path / "link") == "bin/run"
    assert (tmp_path / "link").read_text() == "bin/run"
    assert [(tmp_path / name).stat().st_mode & 0o7777 for name in ("bin/run", "app.py")] == [0o755, 0o644]


@pytest.mark.parametrize(
    ("members", "said"),
    [
        pytest.param(
            [("/etc/passwd", tarfile.REGTYPE, {})], "'/etc/passwd' leads out of the source", id="from the root"
        ),
        pytest.param([("a/../../b", tarfile.REGTYPE, {})], "'a/../../b' leads out of the source", id="upwards"),
        pytest.param([("pipe", tarfile.FIFOTYPE, {})], "'pipe' is no file", id="a pipe"),
        pytest.param([("hard", tarfile.LNKTYPE, {"linkname": "a"})], "'hard' is no file", id="another name of a file"),
        pytest.param(
            [("a", tarfile.SYMTYPE, {"linkname": "/opt"}), ("a/b", tarfile.REGTYPE, {})],
            "the link 'a' is a folder, too",
            id="by way of a link",
        ),
    ],
)
def test_what_a_source_can_not_have(tmp_path, members, said):
    folder = tmp_path / "source"
    folder.mkdir()
    with pytest.raises(streams.StreamError, match=said):
        streams.unpack(_stream(*members), str(folder))
    assert os.listdir(tmp_path) == ["source"]


@pytest.mark.parametrize(("bound", "said"), [("MOST_FILES", "1 files and folders"), ("MOST_BYTES", "0 MiB")])
def test_there_is_an_end_to_what_a_source_holds(tmp_path, monkeypatch, bound, said):
    monkeypatch.setattr(sealing, bound, 1)
    members = [(name, tarfile.REGTYPE, {}) for name in ("a.py", "b.py", "c.py")]
    with pytest.raises(sealing.ExcessError, match=f"more than {said}"):
        streams.unpack(_stream(*members), str(tmp_path))
    assert not (tmp_path / "c.py").exists()
