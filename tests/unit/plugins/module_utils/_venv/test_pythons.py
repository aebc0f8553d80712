# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Interpreters that the real uv installs, from a mirror of one that holds next to nothing."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import shutil
import sys
import sysconfig
import tarfile
import time

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._venv import pythons, uv

RELEASES = "https://github.com/astral-sh/python-build-standalone/releases/download"
MACHINE = platform.machine()


@pytest.fixture
def mirror(tmp_path, monkeypatch, write, as_root):
    """Return a mirror with a build of a Python 3.99, which is a script, and have uv know no other."""
    script = f'#!/bin/sh\nexec {sys.executable} "$@"\n'
    inside = write(
        tmp_path / "built/python",
        {
            "bin/python3.99": script,
            "lib/python3.99/os.py": "",
            "lib/python3.99/_sysconfigdata__linux.py": "# system configuration generated and used by the sysconfig module\nbuild_time_vars = {}\n",
        },
    )
    (inside / "bin/python3.99").chmod(0o755)
    os.link(inside / "lib/python3.99/os.py", inside / "lib/python3.99/same.py")
    (inside / "bin/python3").symlink_to("python3.99")
    folder = tmp_path / "mirror"
    (folder / "20261110").mkdir(parents=True)
    name = f"cpython-3.99.1+20261110-{MACHINE}-unknown-linux-gnu-install_only_stripped.tar.gz"
    with tarfile.open(folder / "20261110" / name, "w:gz") as archive:
        archive.add(inside, "python")
    known = {
        "name": "cpython", "arch": {"family": MACHINE, "variant": None}, "os": "linux", "libc": "gnu", "major": 3, "minor": 99,
        "patch": 1, "prerelease": "", "url": f"{RELEASES}/20261110/{name.replace('+', '%2B')}", "variant": None,
        "sha256": hashlib.sha256((folder / "20261110" / name).read_bytes()).hexdigest(), "build": "20261110",
    }  # fmt: skip
    write(tmp_path, {"known.json": json.dumps({f"cpython-3.99.1-linux-{MACHINE}-gnu": known})})
    write(tmp_path, {f"tools/uv-{uv.VERSION}/bin/uv": ""})
    program = tmp_path / f"tools/uv-{uv.VERSION}/bin/uv"
    program.unlink()
    program.symlink_to(os.path.join(sysconfig.get_path("scripts"), "uv"))
    monkeypatch.setattr(uv, "FOLDER", f"{tmp_path}/tools")
    monkeypatch.setattr(pythons, "_COMPILED", ())
    monkeypatch.setattr(pythons, "_LOCK", f"{tmp_path}/run/pythons.lock")
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS_JSON_URL", f"file://{tmp_path}/known.json")
    return folder


def test_one_that_the_host_lacks_is_installed_by_uv(mirror, monkeypatch):
    synced = []
    monkeypatch.setattr(pythons.files, "sync_folder", synced.append)
    index = uv.Index({"pythons": str(mirror)})
    build = pythons.of_uv("3.99", index)
    assert not build.there()
    pythons.install(build, "3.99", index)
    assert build.there()
    assert os.path.dirname(build.folder) == pythons.folder()
    assert os.listdir(build.folder) == [f"cpython-3.99.1-linux-{MACHINE}-gnu"]
    assert os.path.basename(build.folder) == "3.99.1-20261110"
    for path, folders, names in os.walk(build.folder):
        for name in folders + names:
            info = os.lstat(os.path.join(path, name))
            assert os.path.islink(os.path.join(path, name)) or not info.st_mode & 0o022
            assert os.path.isdir(os.path.join(path, name)) or info.st_nlink == 1
    assert os.listdir(pythons.folder()) == ["3.99.1-20261110"]
    assert synced == [pythons.folder()]
    # As another app's run would.
    pythons.install(build, "3.99", index)


def test_no_other_account_can_hold_it_up_and_another_run_is_named(mirror, monkeypatch):
    index = uv.Index({"pythons": str(mirror)})
    build = pythons.of_uv("3.99", index)
    monkeypatch.setattr(pythons, "_PATIENCE", 0.2)
    os.makedirs(pythons.folder())
    # Where it was before, and everybody could read it.
    with open(os.path.join(pythons.folder(), ".lock"), "w") as theirs:
        fcntl.flock(theirs, fcntl.LOCK_EX)
        pythons.install(build, "3.99", index)
    shutil.rmtree(build.folder)
    assert os.stat(pythons._LOCK).st_mode & 0o077 == 0
    with open(pythons._LOCK, "r+") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        other.truncate()
        other.write("process 7, installing another")
        other.flush()
        with pytest.raises(uv.UvError, match=r"'3\.99', .*another run .*\(process 7, installing another\)"):
            pythons.install(build, "3.99", index)


def test_another_build_than_the_one_that_uv_knows(mirror):
    (archive,) = (mirror / "20261110").iterdir()
    archive.write_bytes(archive.read_bytes() + b"\0")
    index = uv.Index({"pythons": str(mirror)})
    build = pythons.of_uv("3.99", index)
    with pytest.raises(
        uv.UvError, match=r"(?s)gunicorn_python is '3.99', which .*Hash mismatch.*gunicorn_index.pythons: name"
    ):
        pythons.install(build, "3.99", index)
    assert os.listdir(pythons.folder()) == []


def test_a_version_that_nobody_knows(mirror):
    with pytest.raises(uv.UvError, match=r"gunicorn_python is '3.98', which neither this host has nor uv"):
        pythons.of_uv("3.98", uv.Index({"pythons": str(mirror)}))


def test_a_mirror_that_is_not_there(mirror):
    with pytest.raises(uv.UvError, match=r"gunicorn_index.pythons is '/no/such', but the target has no such folder"):
        uv.Index({"pythons": "/no/such"})


def test_the_hosts_own_comes_first(tmp_path, monkeypatch, write):
    write(tmp_path, {"python3.99": "#!/bin/sh\necho 3.99.2\n"})
    (tmp_path / "python3.99").chmod(0o755)
    monkeypatch.setattr(pythons, "_OF_THE_HOST", str(tmp_path))
    assert pythons.of_the_host("3.99") == f"{tmp_path}/python3.99"
    assert pythons.of_the_host("3.99.2") == f"{tmp_path}/python3.99"
    assert pythons.of_the_host("3.99.1") is None
    assert pythons.of_the_host("3.98") is None


def test_it_stays_as_long_as_an_environment_has_it(tmp_path, monkeypatch, write):
    monkeypatch.setattr(uv, "FOLDER", str(tmp_path))
    for name in ("3.97.0-1", "3.98.0-1", "3.99.0-1"):
        write(tmp_path, {f"pythons/{name}/cpython/bin/python3": ""})
    venv = tmp_path / "venvs/a/bin"
    venv.mkdir(parents=True)
    (venv / "python").symlink_to(f"{tmp_path}/pythons/3.98.0-1/cpython/bin/python3")
    # None is old enough: another run may be about to use it.
    pythons.prune([str(venv.parent)])
    assert len(os.listdir(pythons.folder())) == 3
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 7200)
    pythons.prune([str(venv.parent)])
    assert os.listdir(pythons.folder()) == ["3.98.0-1"]


def test_an_environment_whose_interpreter_is_gone_or_another(tmp_path, write):
    venv = write(tmp_path / "venv", {"lib/python3.11/site-packages/a.py": "", "bin/activate": ""})
    write(tmp_path, {"python3.11": "", "python3.13": ""})
    (tmp_path / "python3").symlink_to("python3.11")
    (venv / "bin/python").symlink_to(tmp_path / "python3")
    assert pythons.fault(str(venv)) is None
    (tmp_path / "python3").unlink()
    (tmp_path / "python3").symlink_to("python3.13")
    assert pythons.fault(str(venv)) == f"it was built for python3.11, but its interpreter is {tmp_path}/python3.13 now"
    (tmp_path / "python3.13").unlink()
    assert pythons.fault(str(venv)) == f"its interpreter, {tmp_path}/python3.13, is no longer on this host"
