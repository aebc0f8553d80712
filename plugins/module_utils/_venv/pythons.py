# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Interpreters by version: the host's own, or one that uv installs. Private to the collection.

Which build of a version that is, and its digest, the pinned uv says by itself. It is made in a sandbox where it seems to be in
its place, since its compiled files hold their path, and gets there whole, by a rename. Environments of every app can have it.
"""

from __future__ import annotations

import dataclasses
import glob
import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterable

from ansible_collections.pyweb.stack.plugins.module_utils._host import files, locks, sandboxes, sealing, shell
from ansible_collections.pyweb.stack.plugins.module_utils._venv import uv

_OF_THE_HOST = "/usr/bin"
_BUILD = re.compile(r"(?:%2B|\+)(\d{8})")
_COMPILED = ("--compile-bytecode",)
_SECONDS = 60
# What all apps share, where no other account can hold it; and the seconds that another run may take with it.
_LOCK = "/run/pyweb-stack/pythons.lock"
_PATIENCE = 600
# For how many seconds an interpreter that no environment has may be that of a run which goes on.
_RUN = 3600


@dataclasses.dataclass(frozen=True)
class Build:
    """An interpreter of uv's: what uv calls it, the folder that it has here, and where it is in there."""

    name: str
    folder: str
    inside: str

    @property
    def path(self) -> str:
        """The path of its program."""
        return os.path.join(self.folder, self.inside)

    def there(self) -> bool:
        """Say whether it is installed."""
        return os.path.exists(self.path)


def folder() -> str:
    """Return the folder of those that uv installed."""
    return os.path.join(uv.FOLDER, "pythons")


def of_the_host(version: str) -> str | None:
    """Return the path of the interpreter of this version (`3.13` or `3.13.5`) that the host has itself, if any."""
    path = f"{_OF_THE_HOST}/python{'.'.join(version.split('.')[:2])}"
    if not os.path.exists(path):
        return None
    argv = [path, "-I", "-S", "-c", "import platform; print(platform.python_version())"]
    said = shell.run(argv, identity=shell.CALLER, sandbox=None, seconds=_SECONDS).stdout.strip()
    return path if f"{said}.".startswith(f"{version}.") else None


def of_uv(version: str, index: uv.Index) -> Build:
    """Return the newest build of this version that the pinned uv knows. Raises UvError where it knows none."""
    asked = ["python", "list", "--only-downloads", "--all-versions", "--output-format=json", version]
    reads = {path: path for path in index.paths() if os.path.exists(path)}
    listed = sandboxes.Sandbox("", "ask uv which Pythons it knows", reads=reads).run(
        [uv.path(), *asked], _SECONDS, env=index.uv_for_pythons()
    )
    if listed.returncode:
        raise uv.UvError(
            f"gunicorn_python is {version!r}, of which uv can't say what it knows: {listed.stderr.strip()}"
        )
    known = [each for each in json.loads(listed.stdout or "[]") if _is_usual(each, version)]
    if not known:
        raise uv.UvError(
            f"gunicorn_python is {version!r}, which neither this host has nor uv {uv.VERSION} knows: name another version, or "
            "the path of an interpreter"
        )
    newest = max(known, key=lambda each: tuple(each["version_parts"].values()))
    build = _BUILD.search(newest["url"])
    mark = build[1] if build else hashlib.sha256(newest["url"].encode()).hexdigest()[:8]
    minor = "{major}.{minor}".format(**newest["version_parts"])
    return Build(
        newest["key"], os.path.join(folder(), f"{newest['version']}-{mark}"), f"{newest['key']}/bin/python{minor}"
    )


def install(build: Build, version: str, index: uv.Index) -> None:
    """Have one of uv's on this host. Raises UvError."""
    os.makedirs(folder(), exist_ok=True)
    os.makedirs(os.path.dirname(_LOCK), mode=0o700, exist_ok=True)
    try:
        with locks.held(_LOCK, f"installing a Python {version}", _PATIENCE):
            if not build.there():
                _install(build, version, index)
    except locks.Busy as holder:
        raise uv.UvError(
            f"gunicorn_python is {version!r}, but another run is installing an interpreter ({holder}) and did not end within "
            f"{_PATIENCE} s: wait for it, then run again"
        ) from holder


def _install(build: Build, version: str, index: uv.Index) -> None:
    for left in glob.glob(os.path.join(folder(), ".stage-*")):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=".stage-", dir=folder()) as work:
        made = os.path.join(work, "python")
        os.mkdir(made)
        os.chmod(made, 0o777)
        # Where it seems to be, there must be something to be covered.
        os.makedirs(build.folder, exist_ok=True)
        try:
            _make(build, version, made, index)
        except BaseException:
            os.rmdir(build.folder)
            raise
        files.sync_tree(made)
        os.rename(made, build.folder)
        files.sync_folder(folder())


def _make(build: Build, version: str, made: str, index: uv.Index) -> None:
    argv = ["python", "install", "--no-bin", *_COMPILED, f"--install-dir={build.folder}", build.name]
    sandbox = sandboxes.Sandbox(
        "",
        "install a Python",
        reads={path: path for path in index.paths() if os.path.exists(path)},
        writes={build.folder: made},
        network=not index.offline(),
    )
    done = sandbox.run([uv.path(), *argv], uv.END, env={**index.uv_for_pythons(), "UV_PYTHON_DOWNLOADS": "manual"})
    if done.returncode:
        raise uv.UvError(
            f"gunicorn_python is {version!r}, which this host doesn't have itself, and uv can't install it: "
            f"{done.stderr.strip()}\ngunicorn_index.pythons: name a mirror of python-build-standalone, or a folder on the "
            "target that is laid out as one; or name an interpreter of the host in gunicorn_python"
        )
    for name in set(os.listdir(made)) - {build.name}:
        _remove(os.path.join(made, name))
    _part_hard_links(made)
    try:
        sealing.seal(made)
    except sealing.SealError as error:
        raise uv.UvError(f"gunicorn_python is {version!r}, but what came for it can't be used: {error}") from error


def prune(venvs: Iterable[str]) -> None:
    """Remove the interpreters that none of these environments has, unless a run may be about to make one with it."""
    used = [os.path.realpath(os.path.join(venv, "bin", "python")) for venv in venvs]
    for path in glob.glob(os.path.join(folder(), "[0-9]*")):
        idle = time.time() - os.stat(path).st_ctime > _RUN
        if idle and not any(python.startswith(f"{path}/") for python in used):
            # Under another name first, so that a killed removal leaves nothing that looks whole.
            doomed = tempfile.mkdtemp(prefix=".stage-", dir=folder())
            os.rename(path, os.path.join(doomed, "python"))
            shutil.rmtree(doomed)


def fault(venv: str) -> str | None:
    """Return why an environment no longer works: its interpreter is gone, or is another one now."""
    link = os.path.join(venv, "bin", "python")
    path = os.path.realpath(link)
    libraries = [os.path.basename(each) for each in glob.glob(os.path.join(venv, "lib", "python3.*"))]
    if os.path.islink(link) and not os.path.exists(path):
        return f"its interpreter, {path}, is no longer on this host"
    if re.fullmatch(r"python3\.\d+", os.path.basename(path)) and libraries and os.path.basename(path) not in libraries:
        return f"it was built for {libraries[0]}, but its interpreter is {path} now"
    return None


def _is_usual(known: dict, version: str) -> bool:
    """Return whether what uv knows is a usual CPython of this version."""
    usual = known["implementation"] == "cpython" and known["variant"] == "default"
    return usual and f"{known['version']}.".startswith(f"{version}.")


def _part_hard_links(folder: str) -> None:
    """Give each name a file of its own: archives have some, which nobody means to be one file."""
    for path, _folders, names in os.walk(folder):
        for name in names:
            info = os.lstat(os.path.join(path, name))
            if stat.S_ISREG(info.st_mode) and info.st_nlink > 1:
                copy = os.path.join(path, f".{name}.own")
                shutil.copy2(os.path.join(path, name), copy, follow_symlinks=False)
                os.rename(copy, os.path.join(path, name))


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)
