# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes into a virtual environment, and where packages come from."""

from __future__ import annotations

import os
import sys

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils import _venv


@pytest.fixture
def lock(tmp_path, write):
    """Return the lock of a source with these files, of which C(requirements.txt) counts, and of this Python."""

    def lock(files=None, extra=(), gunicorn="27.0.1", source="s1", python="cpython-311 linux-x86_64"):
        folder = str(write(tmp_path / source, files)) if files else None
        # What an update of the system does: another Python in the same place.
        write(tmp_path, {"python": f"#!/bin/sh\necho {python}\n"})
        (tmp_path / "python").chmod(0o755)
        return _venv.Lock(f"{tmp_path}/python", folder, "requirements.txt" if files else None, list(extra), gunicorn)

    return lock


@pytest.mark.parametrize(
    ("files", "chdir", "found"),
    [
        pytest.param({"requirements.txt": ""}, ".", "requirements.txt", id="at the top"),
        pytest.param(
            {"requirements.txt": "", "src/requirements.txt": ""}, "src/", "src/requirements.txt", id="nearest"
        ),
        pytest.param(
            {"requirements.txt": "", "src/app.py": ""}, "./src", "requirements.txt", id="at the top from below"
        ),
        pytest.param({"src/requirements.txt": ""}, ".", None, id="not elsewhere"),
    ],
)
def test_the_requirements_file(tmp_path, write, files, chdir, found):
    assert _venv.find_file(str(write(tmp_path, files)), chdir) == found


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("gunicorn", True),
        ("django\ngunicorn==23.0.0 \\\n    --hash=sha256:00\n", True),
        ("  Gunicorn[gevent] >= 23 ; python_version > '3'\n", True),
        ("gunicorn @ https://example.com/gunicorn.whl", True),
        ("gunicorn (>=20)", True),
        ("gunicorn # ours", True),
        ("-r more/base.txt", True),
        ("", False),
        ("# gunicorn", False),
        ("gunicorn-color\ngunicornx\nmy-gunicorn\ngunicorn.ext", False),
        # A constraint installs nothing.
        ("django\n-c constraints.txt", False),
    ],
)
def test_gunicorn_is_added_where_no_requirement_names_it(lock, text, named):
    files = {"requirements.txt": text, "more/base.txt": "gunicorn", "constraints.txt": "gunicorn==23.0.0"}
    added = [] if named else ["gunicorn"]
    assert [requirement.partition("==")[0] for requirement in lock(files).extra] == added


def test_gunicorn_among_the_variables_requirements(lock):
    assert lock(extra=["gunicorn[gevent]<24"]).extra == ["gunicorn[gevent]<24"]
    assert lock(extra=["psycopg"], gunicorn="26.0.0").extra == ["psycopg", "gunicorn==26.0.0"]


@pytest.mark.parametrize(
    ("text", "hashed"), [("django==5.2 --hash=sha256:00", True), ("-r more.txt", True), ("django==5.2", False)]
)
def test_hashes_are_asked_for_where_there_are_some(lock, text, hashed):
    assert lock({"requirements.txt": text, "more.txt": "asgiref==3.8 \\\n --hash=sha256:00"}).hashed is hashed


FILES = {
    "requirements.txt": "django\n-r more/base.txt\n--constraint=limits.txt\n",
    "more/base.txt": "redis",
    "limits.txt": "",
}


@pytest.mark.parametrize(
    ("change", "same"),
    [
        pytest.param({}, True, id="nothing"),
        pytest.param({"source": "s2"}, True, id="another source with the same requirements"),
        pytest.param({"files": {**FILES, "app.py": "print()"}}, True, id="a file that is no requirement"),
        pytest.param(
            {"files": {**FILES, "requirements.txt": FILES["requirements.txt"] + "rq"}}, False, id="requirements"
        ),
        pytest.param({"files": {**FILES, "more/base.txt": "redis>5"}}, False, id="an included file"),
        pytest.param({"files": {**FILES, "limits.txt": "redis<6"}}, False, id="a constraint"),
        pytest.param({"extra": ["psycopg"]}, False, id="a requirement beside the file"),
        pytest.param({"gunicorn": "26.0.0"}, False, id="gunicorn"),
        pytest.param({"python": "cpython-313 linux-x86_64"}, False, id="python"),
    ],
)
def test_an_environment_has_the_name_of_its_content(lock, change, same):
    before, after = lock(FILES).digest(), lock(**{"files": FILES, **change}).digest()
    assert (before == after) is same
    assert len(after) == 40


@pytest.mark.parametrize(
    ("requirement", "local"),
    [
        (".", True),
        (".[web]", True),
        ("-e .", True),
        ("--editable=./libs/shop", True),
        ("./libs/shop", True),
        ("libs/shop", True),
        ("vendor/shop-1.0-py3-none-any.whl", True),
        ("shop @ file:libs/shop", True),
        ("shop @ ./libs/shop", True),
        ("--find-links vendor", True),
        ("shop", False),
        ("shop>=1.0  # see docs/install.md", False),
        ("# ./libs/shop", False),
        ("shop @ https://example.com/shop-1.0.tar.gz", False),
        ("shop @ git+https://git.example.com/a/shop.git@v1", False),
        ("-r more/base.txt", False),
        ("--index-url https://pypi.example.com/simple/", False),
    ],
)
def test_code_of_the_source_itself_is_part_of_the_name(lock, requirement, local):
    files = {"requirements.txt": f"django\n{requirement}\n", "more/base.txt": "redis"}
    assert (lock(files, source="s1").digest() != lock(files, source="s2").digest()) is local


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {"requirements.txt": "-r ../outside.txt"},
            "gunicorn_requirements_file includes .*/outside.txt, which is not in",
        ),
        (
            {"requirements.txt": "-r /etc/hostname"},
            "gunicorn_requirements_file includes /etc/hostname, which is not in",
        ),
        ({"requirements.txt": "-r more.txt"}, r"gunicorn_requirements_file: more.txt can't be read: .*No such file"),
    ],
)
def test_a_requirements_file_that_can_not_be_used(lock, files, said):
    with pytest.raises(_venv.VenvError, match=said):
        lock(files)


def test_files_that_include_each_other_or_come_from_elsewhere(lock):
    files = {"requirements.txt": "-r a.txt\n-c https://example.com/limits.txt", "a.txt": "redis\n-r requirements.txt"}
    assert lock(files).digest() != lock({**files, "a.txt": "redis"}).digest()


@pytest.mark.parametrize("python", ["/nosuch/python3", "/bin/false"])
def test_a_python_that_does_not_run(python):
    with pytest.raises(_venv.VenvError, match=f"gunicorn_python is '{python}', which does not run"):
        _venv.Lock(python, None, None, [], "27.0.1").digest()


def test_a_python_that_runs():
    name = _venv.Lock(sys.executable, None, None, [], "27.0.1").digest()
    assert name == _venv.Lock(os.path.realpath(sys.executable), None, None, [], "27.0.1").digest()


@pytest.mark.parametrize(
    ("configuration", "environment", "options"),
    [
        pytest.param("", {}, [], id="none"),
        pytest.param(
            "[global]\nindex-url = https://a.example/simple\nextra-index-url =\n  https://b.example\n  https://c.example\n",
            {},
            ["--default-index=https://a.example/simple", "--index=https://b.example", "--index=https://c.example"],
            id="indexes",
        ),
        pytest.param(
            "[global]\nindex-url = https://a.example\n[install]\nindex-url = https://b.example\n", {},
            ["--default-index=https://b.example"], id="the section of pip install wins",
        ),
        pytest.param(
            "[global]\nindex-url = https://a.example\n", {"PIP_INDEX_URL": "https://b.example"},
            ["--default-index=https://b.example"], id="the environment wins",
        ),
        pytest.param(
            "[global]\nno-index = true\nfind-links = /opt/wheels\n", {},
            ["--find-links=/opt/wheels", "--no-index"], id="a folder of wheels",
        ),
        pytest.param("[global]\nno-index = false\n", {}, [], id="a switch that is off"),
        pytest.param("[global]\ntrusted-host = a.example\n", {}, ["--allow-insecure-host=a.example"], id="trust"),
        pytest.param("[global]\nindex-url = https://a.example/%40b\n", {}, ["--default-index=https://a.example/%40b"],
                     id="a percent sign"),
    ],
)  # fmt: skip
def test_the_hosts_pip_configuration_counts(tmp_path, monkeypatch, write, configuration, environment, options):
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", str(write(tmp_path, {"pip.conf": configuration}) / "pip.conf"))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert _venv._index() == options
