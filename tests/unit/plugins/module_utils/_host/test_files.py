# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are replaced where others may write."""

from __future__ import annotations

import os
import stat

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import files

NOBODY = 65534


def test_a_file_gets_another_text_and_nothing_else_stays(tmp_path):
    path = tmp_path / "site"
    for text in ("one\n", "two\n"):
        files.replace(str(path), text)
        assert path.read_text() == text
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert os.listdir(tmp_path) == ["site"]


def test_a_link_in_place_of_the_file_is_replaced_and_what_it_leads_to_stays(tmp_path):
    (tmp_path / "precious").write_text("as it was")
    for name in ("site", "site.new", ".site"):
        (tmp_path / name).symlink_to("precious")
    files.replace(str(tmp_path / "site"), "ours")
    assert (tmp_path / "precious").read_text() == "as it was"
    assert not (tmp_path / "site").is_symlink()


def test_a_failed_write_leaves_nothing(tmp_path):
    with pytest.raises(UnicodeEncodeError):
        files.replace(str(tmp_path / "site"), "\udcff")
    assert os.listdir(tmp_path) == []


def test_links_of_root_s_are_followed(tmp_path):
    (tmp_path / "real/deep").mkdir(parents=True)
    (tmp_path / "absolute").symlink_to(tmp_path / "real")
    (tmp_path / "relative").symlink_to("absolute/../real/deep")
    files.replace(str(tmp_path / "relative/site"), "ours")
    assert (tmp_path / "real/deep/site").read_text() == "ours"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to somebody else")
def test_links_of_others_are_not(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "theirs").symlink_to("real")
    os.lchown(tmp_path / "theirs", NOBODY, NOBODY)
    with pytest.raises(PermissionError, match="leads over a link of another account, to 'real'"):
        files.replace(str(tmp_path / "theirs/site"), "ours")
    assert os.listdir(tmp_path / "real") == []


def test_what_others_brought_is_read_where_it_stays_inside(tmp_path):
    (tmp_path / "source/conf").mkdir(parents=True)
    (tmp_path / "source/conf/app.py").write_text("A = 1")
    (tmp_path / "source/link.py").symlink_to("conf/app.py")
    assert files.read_brought(str(tmp_path / "source"), "link.py") == b"A = 1"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("../secret", "leads out"),
        ("/dev/zero", "leads out"),
        ("/proc/self/root/etc/passwd", "leads out"),
        ("pipe", "no plain file"),
        ("folder", "no plain file|Is a directory"),
        ("huge", "more than 1 MiB"),
        ("missing", "No such file"),
    ],
)
def test_what_others_brought_reads_nothing_else_for_them(tmp_path, target, said):
    source = tmp_path / "source"
    (source / "folder").mkdir(parents=True)
    (tmp_path / "secret").write_text("hunter2")
    os.mkfifo(source / "pipe")
    (source / "huge").touch()
    os.truncate(source / "huge", (1 << 20) + 1)
    (source / "link").symlink_to(target)
    with pytest.raises(OSError, match=said):
        files.read_brought(str(source), "link")
