# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Python that a source names, and doesn't get, is named, and no other."""

from __future__ import annotations

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._venv import other_pythons

GETS = "and it gets Python 3.13"


@pytest.mark.parametrize(
    ("files", "asked", "said"),
    [
        (
            {".python-version": "3.12.1\n"},
            "",
            f'The source\'s .python-version names Python 3.12, {GETS}: set gunicorn_python: "3.12"',
        ),
        ({".python-version": "# ours\ncpython@3.11\n"}, "", "names Python 3.11"),
        ({"runtime.txt": "python-3.11.9"}, "", "The source's runtime.txt names Python 3.11"),
        ({".tool-versions": "nodejs 20\npython 3.12.4\n"}, "", "The source's .tool-versions names Python 3.12"),
        ({"web/.python-version": "3.12", ".python-version": "3.13"}, "", "The source's web/.python-version names"),
        (
            {},
            ">=3.9,<3.12",
            f'asks for Python <3.12, {GETS}: set gunicorn_python: "3.11" if it doesn\'t work with that.',
        ),
        ({}, ">=3.9, <=3.12", "asks for Python <=3.12"),
    ],
)
def test_another_python_is_named(tmp_path, write, files, asked, said):
    write(tmp_path, files)
    assert said in other_pythons.named((3, 13), asked, str(tmp_path), "web")


@pytest.mark.parametrize(
    ("files", "asked"),
    [
        ({".python-version": "3.13.0\n"}, ">=3.13,<4.0"),
        ({".python-version": "3\n", "runtime.txt": "something\n", ".tool-versions": "node 3.12\n"}, "<=3.13"),
        ({".python-version": "my-environment\n"}, ""),
        ({}, "<3.14"),
    ],
)
def test_nothing_is_said_where_it_gets_what_it_names(tmp_path, write, files, asked):
    write(tmp_path, files)
    assert other_pythons.named((3, 13), asked, str(tmp_path), ".") == ""


def test_without_a_source_nothing_is_named():
    assert other_pythons.named((3, 13), "", None, ".") == ""
