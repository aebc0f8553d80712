# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let plain pytest import the checkout as ansible_collections.pyweb.stack, wherever it is."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]

for name, where in (
    ("ansible_collections", []),
    ("ansible_collections.pyweb", []),
    ("ansible_collections.pyweb.stack", [str(ROOT)]),
):
    if name not in sys.modules:
        spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = where
        sys.modules[name] = importlib.util.module_from_spec(spec)
