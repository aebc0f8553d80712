# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others made, before it becomes root's."""

from __future__ import annotations

import os
import re
import stat

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import sealing

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="it takes root to make something root's")


@pytest.fixture
def folder(tmp_path, write):
    """Return a folder with plain files, and links within it."""
    write(tmp_path / "made", {"bin/run": "#!/bin/sh\n", "lib/a.py": "a = 1\n"})
    (tmp_path / "made/bin/run").chmod(0o777)
    (tmp_path / "made/lib64").symlink_to("lib")
    (tmp_path / "made/lib/b.py").symlink_to("a.py")
    return tmp_path / "made"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda at: (at / "x").symlink_to("/etc/passwd"), "x is a link that leads out, to /etc/passwd"),
        (lambda at: (at / "lib/x").symlink_to("../.."), "lib/x is a link that leads out, to ../.."),
        (lambda at: (at / "lib/x").symlink_to("/nosuch"), "lib/x is a link that leads out, to /nosuch"),
        (lambda at: os.mkfifo(at / "lib/x"), "lib/x is a device, a pipe or a socket"),
        (lambda at: (at / "bin/run").chmod(0o4755), "bin/run would run with the rights of its owner"),
        (lambda at: (at / "bin/run").chmod(0o2755), "bin/run would run with the rights of its owner"),
        (lambda at: (at / "x").hardlink_to(at / "bin/run"), "(x|bin/run) is a hard link"),
    ],
)
def test_what_must_not_be_there(folder, spoil, said):
    sealing.seal(folder)
    spoil(folder)
    with pytest.raises(sealing.SealError, match=said):
        sealing.seal(folder)


def test_a_link_may_lead_out_where_that_is_meant(folder):
    (folder / "python").symlink_to("/usr/bin/python3")
    with pytest.raises(sealing.SealError, match="python is a link that leads out"):
        sealing.seal(folder, leads_out={"/usr/bin"})
    sealing.seal(folder, leads_out={os.path.realpath("/usr/bin/python3")})


@pytest.mark.parametrize(("bound", "said"), [("MOST_FILES", "1 files and folders"), ("MOST_BYTES", "0 MiB")])
def test_there_may_not_be_more_than_any_app_has_unless_that_is_meant(folder, monkeypatch, bound, said):
    monkeypatch.setattr(sealing, bound, 1)
    with pytest.raises(sealing.ExcessError, match=f"it holds more than {said}"):
        sealing.seal(folder)
    sealing.seal(folder, bounded=False)


def test_links_to_files_become_files_and_those_to_folders_are_refused(folder):
    (folder / "c.py").symlink_to("lib/b.py")
    with pytest.raises(sealing.SealError, match=re.escape("lib64 is a link to lib, which is no file")):
        sealing.files_for_links(folder)
    assert (folder / "c.py").is_symlink()
    (folder / "lib64").unlink()
    sealing.files_for_links(folder)
    for name in ("c.py", "lib/b.py"):
        assert not (folder / name).is_symlink()
        assert (folder / name).read_text() == "a = 1\n"


def test_all_is_roots_and_nobody_elses_to_write(folder):
    for path in (folder, folder / "lib", folder / "lib/a.py", folder / "lib64"):
        os.chown(path, 4242, 4242, follow_symlinks=False)
    sealing.seal(str(folder))
    names = (".", "lib", "bin", "bin/run", "lib/a.py")
    modes = {name: stat.S_IMODE(os.lstat(folder / name).st_mode) for name in names}
    assert modes == {".": 0o755, "lib": 0o755, "bin": 0o755, "bin/run": 0o755, "lib/a.py": 0o644}
    assert {os.lstat(folder / name).st_uid for name in (*names, "lib64", "lib/b.py")} == {0}
