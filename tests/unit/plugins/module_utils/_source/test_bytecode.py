# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bytecode of a source, made by a real interpreter."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._source import bytecode

TAG = sys.implementation.cache_tag
# Prints whether what is imported was compiled already: with this, Python compiles nothing by itself.
ASK = "import sys; sys.dont_write_bytecode = True; import shop; print(shop.__spec__.cached, shop.VALUE)"


@pytest.fixture
def compiled(tmp_path, as_root, write):
    """Compile these files in their stage, and return the folder."""

    def compiled(files: dict[str, str]) -> pathlib.Path:
        source = write(tmp_path / "sources/.stage-x", files)
        bytecode.add("shop", str(source), str(tmp_path / "sources/1234"), sys.executable)
        return source

    return compiled


def _caches(source) -> list[str]:
    return sorted(str(path.relative_to(source)) for path in source.rglob("*.pyc"))


def test_each_file_has_its_bytecode_beside_it(compiled):
    source = compiled({"shop.py": "VALUE = 1\n", "web/views.py": "", "static/app.js": "", "README": ""})
    assert _caches(source) == [f"__pycache__/shop.{TAG}.pyc", f"web/__pycache__/views.{TAG}.pyc"]
    assert os.listdir(source.parent) == [".stage-x"]


def test_python_takes_it_for_that_of_the_file_in_its_later_place(compiled, tmp_path):
    """A traceback names the place, and so does the bytecode; changed source would count again."""
    source = compiled({"shop.py": "VALUE = 1\ndef fail():\n    raise RuntimeError\n"})
    place = tmp_path / "sources/1234"
    source.rename(place)
    cache = place / f"__pycache__/shop.{TAG}.pyc"
    before = cache.stat()
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            f"{ASK}\ntry: shop.fail()\nexcept RuntimeError: import traceback; traceback.print_exc()",
        ],
        cwd=place,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == f"{cache} 1\n"
    assert f'File "{place}/shop.py", line 3' in said.stderr
    assert cache.stat().st_mtime_ns == before.st_mtime_ns
    source_bytes = importlib.util.decode_source((place / "shop.py").read_bytes())
    assert "VALUE = 1" in source_bytes


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("def {{ name }}():\n", id="a template"),
        pytest.param("print 'of Python 2'\n", id="another Python"),
        pytest.param("x = '\udcff'\n", id="no text"),
        pytest.param("(" * 5000, id="too deep"),
    ],
)
def test_what_does_not_compile_is_passed_over(compiled, tmp_path, text):
    (tmp_path / "sources/.stage-x").mkdir(parents=True)
    (tmp_path / "sources/.stage-x/odd.py").write_bytes(text.encode(errors="surrogateescape"))
    assert _caches(compiled({"shop.py": "VALUE = 1\n"})) == [f"__pycache__/shop.{TAG}.pyc"]


def test_bytecode_that_the_source_brings_gives_way(compiled):
    source = compiled(
        {"shop.py": "VALUE = 1\n", f"__pycache__/shop.{TAG}.pyc": "of somebody else", "__pycache__/more.txt": "x"}
    )
    assert (source / f"__pycache__/shop.{TAG}.pyc").read_bytes()[:4] == importlib.util.MAGIC_NUMBER
    assert (source / "__pycache__/more.txt").read_text() == "x"


def test_a_link_in_the_place_of_bytecode_is_not_followed(compiled, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "sources/.stage-x").mkdir(parents=True)
    (tmp_path / "sources/.stage-x/__pycache__").symlink_to(elsewhere)
    (tmp_path / "sources/.stage-x/nothing.py").symlink_to("/nosuch")
    compiled({"shop.py": "VALUE = 1\n"})
    assert os.listdir(elsewhere) == []
