# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environments with a gunicorn of each version, and one that says something of its own."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv

import pytest

# Beside that of the Python that runs the tests.
OLDER = ("23.0.0", "24.1.1", "25.3.0", "26.2.0")


@pytest.fixture(params=["ours", *OLDER])
def version(request) -> str:
    """Return each version of gunicorn, as `pythons` has them."""
    return request.param


@pytest.fixture(scope="session")
def pythons(tmp_path_factory) -> dict[str, str]:
    """Return the interpreters of environments that have a gunicorn each, by its version."""
    folders = {version: tmp_path_factory.mktemp("venv") for version in OLDER}
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    installs = []
    for version, folder in folders.items():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        argv = [*pip, f"--python={folder}/bin/python", "install", "--no-compile", f"gunicorn=={version}"]
        installs.append(subprocess.Popen(argv))
    assert [install.wait() for install in installs] == [0] * len(OLDER)
    return {"ours": sys.executable, **{version: f"{folder}/bin/python" for version, folder in folders.items()}}


@pytest.fixture
def talkative(tmp_path) -> str:
    """Return a Python with the packages of the one that runs the tests, and one that prints wherever it starts."""
    venv.create(tmp_path / "talkative", symlinks=True)
    (packages,) = (tmp_path / "talkative").glob("lib/python3*/site-packages")
    prints = "import sys; sys.stdout.write('[] hello\\\\n and a line without an end'); sys.stdout.flush()"
    (packages / "talkative.pth").write_text(f"{sysconfig.get_path('purelib')}\n{prints}\n")
    return str(tmp_path / "talkative/bin/python")
