# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every Python of an environment runs the file that its process's environment names, and none without."""

from __future__ import annotations

import subprocess
import sys

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._text import naming
from ansible_collections.pyweb.stack.plugins.module_utils._venv import startup


@pytest.fixture(scope="module")
def venv(tmp_path_factory):
    folder = tmp_path_factory.mktemp("environment") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder


def _python(venv, *arguments: str, **environment: str) -> list[str]:
    argv = [f"{venv}/bin/python", *arguments, "-c", "print('app')"]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_an_environment_learns_it_once(venv, tmp_path, write):
    file = str(write(tmp_path, {"start.py": "print(__file__)\n"}) / "start.py")
    assert startup.missing(str(venv))
    assert _python(venv, **{naming.START_VARIABLE: file}) == ["app"]

    startup.install(str(venv))

    assert not startup.missing(str(venv))
    assert _python(venv, **{naming.START_VARIABLE: file}) == [file, "app"]
    assert _python(venv, "-I", **{naming.START_VARIABLE: file}) == [file, "app"]
    assert _python(venv) == ["app"]
