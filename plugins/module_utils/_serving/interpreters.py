# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which interpreters of uv's the apps of this host still have. Private to the collection."""

from __future__ import annotations

import glob
import os
import re

from ansible_collections.pyweb.stack.plugins.module_utils._host import files, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._venv import pythons

_OF_RELEASES = re.compile(r"(/\S+)/releases/%i/")


def prune() -> None:
    """Remove those that no environment of any app has any more. Each app is known by its units, wherever its folder is."""
    if not os.path.isdir(pythons.folder()):
        return
    units = glob.glob(os.path.join(systemd.UNIT_FOLDER, "gunicorn-*@*.service"))
    apps = {folder for unit in units for folder in _OF_RELEASES.findall(files.read(unit))}
    pythons.prune(venv for app in apps for venv in glob.glob(os.path.join(app, "venvs", "*")))
