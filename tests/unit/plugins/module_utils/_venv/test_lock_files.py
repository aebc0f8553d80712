# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the locks of other tools say; the lines are those that each tool's own export has."""

from __future__ import annotations

import json

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._venv import lock_files
from ansible_collections.pyweb.stack.plugins.module_utils._venv.requirements import RequirementsError

POETRY = """
[[package]]
name = "idna"
version = "3.20"
groups = ["deploy", "main"]
markers = {deploy = "sys_platform == \\"linux\\"", main = "extra == \\"net\\""}
files = [{file = "idna-3.20.tar.gz", hash = "sha256:00"}]

[[package]]
name = "six"
version = "1.17.0"
groups = ["dev"]
files = [{file = "six-1.17.0.tar.gz", hash = "sha256:11"}]

[[package]]
name = "ours"
version = "1.0"
groups = ["main"]
files = []

[package.source]
type = "git"
url = "git@git.example.com:a/ours.git"
reference = "main"
resolved_reference = "0123abc"
subdirectory = "python"

[[package]]
name = "near"
version = "1.0"
groups = ["main"]
files = []

[package.source]
type = "directory"
url = "libs/near by"

[extras]
net = ["idna"]

[metadata]
lock-version = "2.1"
python-versions = "^3.10"
"""
PIPFILE = """
[[source]]
url = "https://pypi.org/simple"
verify_ssl = true
name = "pypi"

[packages]
flask = "==3.1.*"
redis = {extras = ["hiredis"], version = "*"}
toml = {version="*", markers="python_version < '3.13'"}

[dev-packages]
pytest = "*"

[deploy]
gunicorn = "*"

[requires]
python_version = "3.11"
"""
# As pipenv wrote it for that Pipfile.
HASH = "36ca1500c6313075dc69bfaa6424c020900d7c7492795b9feff331a099342547"
PIPFILE_LOCK = {
    "_meta": {"hash": {"sha256": HASH}, "requires": {"python_version": "3.11"}},
    "default": {
        "redis": {
            "extras": ["hiredis"],
            "hashes": ["sha256:00"],
            "markers": "python_version >= '3.10'",
            "version": "==8.1.0",
        },
        "ours": {"git": "https://git.example.com/ours.git", "ref": "0123abc"},
        "e1839a8": {"editable": True, "path": "."},
    },
    "develop": {"pytest": {"hashes": ["sha256:22"], "version": "==9.0"}},
    "deploy": {"gunicorn": {"hashes": ["sha256:11"], "version": "==27.0.1"}},
}
PYLOCK = """
lock-version = "1.0"
requires-python = ">=3.10"
extras = ["net"]
dependency-groups = ["deploy", "usual"]
default-groups = ["usual"]

[[packages]]
name = "idna"
version = "3.20"
marker = "'net' in extras or \\"deploy\\" in dependency_groups"
sdist = {name = "idna-3.20.tar.gz", hashes = {sha256 = "00", sha512 = "11"}}

[[packages]]
name = "six"
version = "1.17.0"
marker = "'usual' not in dependency_groups"
wheels = [{name = "six.whl", hashes = {sha256 = "22"}}]

[[packages]]
name = "ours"
vcs = {type = "git", url = "https://git.example.com/ours.git", commit-id = "0123abc"}

[[packages]]
name = "packed"
archive = {url = "https://example.com/packed.tar.gz", hashes = {sha256 = "33"}}

[[packages]]
name = "near"
directory = {path = "libs/near"}
"""
YES, NO = "python_version >= '0'", "python_version < '0'"


def _lines(name, text, groups=(), beside=None):
    return lock_files.read(name, text, beside or {}, list(groups), "/src").lines


def test_a_lock_of_poetry():
    always = [
        "ours @ git+ssh://git@git.example.com/a/ours.git@0123abc#subdirectory=python",
        "near @ file:///src/libs/near%20by",
    ]
    assert _lines("poetry.lock", POETRY) == [f"idna==3.20 ; ({NO}) --hash=sha256:00", *always]
    assert _lines("poetry.lock", POETRY, ["net"]) == [f"idna==3.20 ; ({YES}) --hash=sha256:00", *always]
    assert _lines("poetry.lock", POETRY, ["Deploy"]) == [
        f'idna==3.20 ; (sys_platform == "linux") or ({NO}) --hash=sha256:00',
        *always,
    ]
    locked = lock_files.read("poetry.lock", POETRY, {}, [], "/src")
    assert (locked.groups, locked.python) == ({"deploy", "dev", "net"}, "^3.10")


def test_a_lock_of_pipenv():
    text, beside = json.dumps(PIPFILE_LOCK), {"Pipfile": PIPFILE}
    default = [
        "redis==8.1.0 ; python_version >= '3.10' --hash=sha256:00",
        "ours @ git+https://git.example.com/ours.git@0123abc",
        "file:///src",
    ]
    assert _lines("Pipfile.lock", text, beside=beside) == default
    assert _lines("Pipfile.lock", text, ["deploy"], beside) == [*default, "gunicorn==27.0.1 --hash=sha256:11"]
    assert lock_files.read("Pipfile.lock", text, beside, [], "/src").python == ">=3.11"


def test_a_lock_of_the_standard():
    always = [
        "ours @ git+https://git.example.com/ours.git@0123abc",
        "packed @ https://example.com/packed.tar.gz --hash=sha256:33",
        "near @ file:///src/libs/near",
    ]
    six = f"six==1.17.0 ; {NO} --hash=sha256:22"
    hashes = "--hash=sha256:00 --hash=sha512:11"
    assert _lines("pylock.toml", PYLOCK) == [f"idna==3.20 ; {NO} or {NO} {hashes}", six, *always]
    assert _lines("pylock.toml", PYLOCK, ["net"]) == [f"idna==3.20 ; {YES} or {NO} {hashes}", six, *always]


@pytest.mark.parametrize(
    ("name", "text", "beside", "said"),
    [
        ("poetry.lock", POETRY.replace('"2.1"', '"2.0"'), {}, "is of the version 2.0, .*: run `poetry lock` with Poetry 2, or"),
        (
            "poetry.lock", POETRY, {"pyproject.toml": '[project]\ndependencies = ["near", "Flask>=3"]'},
            "lacks Flask, so it no longer fits its pyproject.toml: run `poetry lock`",
        ),
        (
            "poetry.lock", POETRY, {"pyproject.toml": '[tool.poetry.dependencies]\npython = "*"\nflask = "*"'},
            "lacks flask, so it no longer fits",
        ),
        ("poetry.lock", POETRY.replace('{file = "idna-3.20.tar.gz", hash = "sha256:00"}', ""), {}, "has no hashes for idna"),
        ("poetry.lock", "[", {}, "is no valid TOML"),
        ("pdm.lock", '[metadata]\nstrategy = ["cross_platform"]', {}, "leaves open .*: run `pdm lock --strategy=inherit_metadata`"),
        ("Pipfile.lock", "{", {}, "can't be read: run `pipenv lock`"),
        (
            "Pipfile.lock", json.dumps(PIPFILE_LOCK), {"Pipfile": PIPFILE.replace('"==3.1.*"', '"*"')},
            "no longer fits the Pipfile .*: run `pipenv lock`",
        ),
        ("pylock.toml", 'lock-version = "2.0"', {}, "is of the version 2.0"),
        ("pylock.toml", PYLOCK.replace('type = "git"', 'type = "hg"'), {}, "has ours from another place than a git repository"),
    ],
)  # fmt: skip
def test_a_lock_that_can_not_be_taken_as_it_is(name, text, beside, said):
    with pytest.raises(RequirementsError, match=f"gunicorn_requirements_file: {name} {said}"):
        lock_files.read(name, text, beside, [], "/src")
