# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes into a virtual environment, and its name."""

from __future__ import annotations

import os
import sys

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._venv import finding, inputs, projects, requirements

PROJECT = '[project]\nname = "shop"\nversion = "1.0"\ndependencies = ["django"]\n'
BUILT = PROJECT + '[build-system]\nrequires = ["setuptools"]\n'
LOCK = 'version = 1\n\n[[package]]\nname = "shop"\nversion = "1.0"\nsource = { virtual = "." }\n'


@pytest.fixture
def wanted(tmp_path, write):
    """Return the lock of a source with these files, of which the one found counts, and of this Python."""

    def wanted(files=None, extra=(), gunicorn=None, source="s1", python="cpython-311 linux-x86_64", chdir="."):
        folder = str(write(tmp_path / source, files)) if files else None
        # What an update of the system does: another Python in the same place.
        write(tmp_path, {"python": f"#!/bin/sh\necho {python}\n"})
        (tmp_path / "python").chmod(0o755)
        file = finding.find(folder, chdir).file if files else None
        return inputs.Inputs(f"{tmp_path}/python", folder, file, list(extra), gunicorn, chdir)

    return wanted


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
        # Should it be needed, this says which.
        ("django\n-c constraints.txt", True),
    ],
)
def test_the_version_of_gunicorn_counts_where_no_requirement_names_it(wanted, text, named):
    files = {"requirements.txt": text, "more/base.txt": "gunicorn", "constraints.txt": "gunicorn==23.0.0"}
    assert wanted(files).gunicorn == ("gunicorn" if named else "gunicorn==27.0.1")


def test_gunicorn_among_the_variables_requirements(wanted):
    assert wanted(extra=["gunicorn[gevent]<24"]).gunicorn == "gunicorn"
    assert wanted(extra=["psycopg"], gunicorn="26.0.0").gunicorn == "gunicorn==26.0.0"


@pytest.mark.parametrize(
    ("text", "hashed"), [("django==5.2 --hash=sha256:00", True), ("-r more.txt", True), ("django==5.2", False)]
)
def test_hashes_are_asked_for_where_there_are_some(wanted, text, hashed):
    assert wanted({"requirements.txt": text, "more.txt": "asgiref==3.8 \\\n --hash=sha256:00"}).file.exact is hashed


def test_what_lies_beside_a_file_is_not_what_lies_at_the_top(tmp_path, write):
    source = str(write(tmp_path, {"app/requirements.txt": ".\n", "app/setup.py": "", "setup.py": ""}))
    names = {
        inputs.Inputs(sys.executable, source, "app/requirements.txt", [], None, chdir).digest()
        for chdir in ("app", ".")
    }
    assert len(names) == 2


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
        pytest.param(
            {"files": {**FILES, "requirements.txt": FILES["requirements.txt"].replace("django", "django  # 2026-11")}},
            False,
            id="a date behind a requirement",
        ),
        pytest.param({"gunicorn": "26.0.0"}, False, id="gunicorn"),
        pytest.param({"python": "cpython-313 linux-x86_64"}, False, id="python"),
    ],
)
def test_an_environment_has_the_name_of_its_content(wanted, change, same):
    before, after = wanted(FILES).digest(), wanted(**{"files": FILES, **change}).digest()
    assert (before == after) is same
    assert len(after) == 40


def test_code_of_the_source_itself_is_part_of_the_name(wanted):
    files = {"requirements.txt": "django\n-r more/base.txt", "more/base.txt": "redis"}
    assert wanted(files).digest() == wanted(files, source="s2").digest()
    files["more/base.txt"] = "./libs/shop"
    assert wanted(files).digest() != wanted(files, source="s2").digest()
    assert wanted(extra=["./libs/shop"]).local


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
        (
            {"requirements.txt": "-r a.txt", "a.txt": "-c file:///etc/hostname"},
            "gunicorn_requirements_file: a.txt includes file:///etc/hostname: name a file in the source",
        ),
        ({"requirements.txt": "--requirement=FILE:x"}, "requirements.txt includes FILE:x: name a file in the source"),
        ({"requirements.txt": "-r more.txt"}, r"gunicorn_requirements_file: more.txt can't be read: .*No such file"),
    ],
)
def test_a_requirements_file_that_can_not_be_used(wanted, files, said):
    with pytest.raises(inputs.RequirementsError, match=said):
        wanted(files)


def test_a_requirements_file_in_another_encoding(tmp_path):
    (tmp_path / "requirements.txt").write_bytes(b"# Abh\xe4ngig\nflask\n")
    with pytest.raises(inputs.RequirementsError, match=r"requirements\.txt can't be read: .*: save it as UTF-8"):
        requirements.read(str(tmp_path / "requirements.txt"), str(tmp_path))


def test_files_that_include_each_other_or_come_from_elsewhere(wanted):
    files = {"requirements.txt": "-r a.txt\n-c https://example.com/limits.txt", "a.txt": "redis\n-r requirements.txt"}
    assert wanted(files).digest() != wanted({**files, "a.txt": "redis"}).digest()


@pytest.mark.parametrize("python", ["/nosuch/python3", "/bin/false", "/bin/true"])
def test_a_python_that_does_not_run(python):
    with pytest.raises(inputs.RequirementsError, match=f"gunicorn_python is '{python}', which does not run"):
        inputs.Inputs(python, None, None, [], None).digest()


def test_a_python_that_runs():
    name = inputs.Inputs(sys.executable, None, None, [], None).digest()
    assert name == inputs.Inputs(os.path.realpath(sys.executable), None, None, [], None).digest()


def test_a_date_behind_a_requirement_of_the_variable_makes_another_environment(wanted):
    assert wanted(extra=["flask"]).digest() != wanted(extra=["flask  # 2026-11"]).digest()


@pytest.mark.parametrize(
    ("files", "local"),
    [
        pytest.param({"pyproject.toml": PROJECT}, False, id="what a project depends on"),
        pytest.param({"pyproject.toml": BUILT}, True, id="a project that is a package"),
        pytest.param({"pyproject.toml": PROJECT + '[tool.uv.sources]\na = {path = "lib"}'}, True, id="a folder in it"),
        pytest.param({"pyproject.toml": PROJECT.replace("django", "a @ file:lib")}, True, id="a folder by its name"),
        pytest.param({"pyproject.toml": PROJECT, "uv.lock": LOCK}, False, id="a lock"),
        pytest.param({"pyproject.toml": PROJECT, "uv.lock": LOCK.replace("virtual", "editable")}, True, id="a package"),
        pytest.param(
            {"pyproject.toml": PROJECT, "uv.lock": LOCK.replace('virtual = "."', 'directory = "libs/a"')},
            True,
            id="a locked folder",
        ),
        pytest.param(
            {"pyproject.toml": PROJECT, "uv.lock": LOCK.replace('virtual = "."', 'registry = "wheels"')},
            True,
            id="a locked folder of wheels",
        ),
        pytest.param(
            {"pyproject.toml": PROJECT, "uv.lock": LOCK.replace('virtual = "."', 'registry = "https://a.example"')},
            False,
            id="a locked index",
        ),
    ],
)
def test_a_project_is_part_of_the_name_where_it_is_built(wanted, files, local):
    before, after = wanted(files), wanted(files, source="s2")
    assert (before.digest() != after.digest()) is local
    assert before.local is local


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"uv.lock": LOCK + "#"}, False),
        ({"pyproject.toml": PROJECT + "#"}, False),
        ({"apps/shop/pyproject.toml": PROJECT + "#"}, False),
        ({"apps/other/pyproject.toml": PROJECT + "#"}, True),
    ],
)
def test_a_lock_counts_with_the_project_and_the_member_of_the_workspace_that_runs(wanted, change, same):
    files = {"pyproject.toml": "", "uv.lock": LOCK.replace('"."', '"apps/shop"'), "apps/other/pyproject.toml": PROJECT}
    files["apps/shop/app.py"] = ""
    # Nearer to the app than the lock is, but a member of its workspace.
    member = {**files, "apps/shop/pyproject.toml": PROJECT}
    found = "uv.lock"

    def digest(files):
        folder = wanted(files, chdir="apps/shop").source
        return inputs.Inputs(sys.executable, folder, found, [], None, "apps/shop").digest()

    assert (digest(member) == digest({**member, **change})) is same


@pytest.mark.parametrize(
    ("files", "file", "said"),
    [
        (
            {"pyproject.toml": "[tool.ruff]"},
            "pyproject.toml",
            "'pyproject.toml', but it has no .project. table: name a req",
        ),
        ({"uv.lock": LOCK}, "uv.lock", "pyproject.toml can't be read: .*No such file"),
    ],
)
def test_a_project_that_can_not_be_used(tmp_path, write, files, file, said):
    with pytest.raises(inputs.RequirementsError, match=f"gunicorn_requirements_file.* {said}"):
        inputs.Inputs("python3", str(write(tmp_path, files)), file, [], None)


@pytest.mark.parametrize(
    ("files", "extra", "said"),
    [
        (
            {"requirements.txt": "gunicorn==20.1.0"},
            [],
            r"_file has 'gunicorn==20.1.0', .* 23 or newer: give gunicorn_version",
        ),
        ({"requirements.txt": "-r a.txt", "a.txt": "gunicorn<21"}, [], "_file has 'gunicorn<21'"),
        ({"pyproject.toml": PROJECT.replace("django", "gunicorn~=20.1")}, [], "_file has 'gunicorn~=20.1'"),
        (
            {"pyproject.toml": PROJECT, "uv.lock": LOCK + '[[package]]\nname = "gunicorn"\nversion = "20.1"'},
            [],
            "has 'gunicorn==20.1'",
        ),
        (
            {
                "Pipfile.lock": '{"_meta": {}, "default": {"gunicorn": {"version": "==20.1", "hashes": ["sha256:0"], "markers": "x"}}}'
            },
            [],
            "_file has 'gunicorn==20.1'",
        ),
        ({}, ["gunicorn<20"], "requirements has 'gunicorn<20', .*: have it name a newer one, or none"),
    ],
)
def test_a_gunicorn_that_is_too_old_is_refused_before_anything_is_installed(wanted, files, extra, said):
    with pytest.raises(inputs.RequirementsError, match=said):
        wanted(files, extra)


def test_a_gunicorn_that_is_asked_for_takes_the_place_of_the_files(wanted):
    files = {"requirements.txt": "gunicorn[gevent]==20.1.0"}
    assert wanted(files, gunicorn="26.0.0").own == "gunicorn[gevent]==26.0.0"
    assert wanted(files, ["gunicorn>=25"], gunicorn="26.0.0").own == "gunicorn>=25"
    assert wanted({"requirements.txt": "django"}, gunicorn="26.0.0").own == ""


def test_groups_are_part_of_the_name(wanted):
    files = {"pyproject.toml": PROJECT + "[project.optional-dependencies]\na = []\n[dependency-groups]\nb = []\n"}

    def digest(*groups):
        wanted(files)
        return inputs.Inputs(
            sys.executable, wanted(files).source, "pyproject.toml", [], None, groups=list(groups)
        ).digest()

    assert len({digest(), digest("a"), digest("b"), digest("a", "b"), digest("b", "A")}) == 4
    with pytest.raises(inputs.RequirementsError, match=r"gunicorn_requirements_groups has 'c', but .* there are a, b"):
        digest("c")


def test_a_file_without_groups(tmp_path, write):
    source = str(write(tmp_path, {"requirements.txt": ""}))
    with pytest.raises(
        inputs.RequirementsError, match=r"gunicorn_requirements_groups is \['a'\], but requirements.txt has no"
    ):
        inputs.Inputs("python3", source, "requirements.txt", [], None, groups=["a"])


def test_a_file_of_ones_own_is_whole(tmp_path):
    with pytest.raises(inputs.RequirementsError, match="on the controller, but includes another file"):
        inputs.Inputs("python3", str(tmp_path), None, [], None, text="django\n-r base.txt")


SCM = '[build-system]\nrequires = ["setuptools_scm>=8"]\n'


@pytest.mark.parametrize(
    ("files", "variable"),
    [
        ({"setup.py": 'setup(name="My.Shop", use_scm_version=True)'}, "SETUPTOOLS_SCM_PRETEND_VERSION_FOR_MY_SHOP"),
        (
            {
                "setup.py": "setup()",
                "setup.cfg": "[metadata]\nname = shop\n[options]\nsetup_requires =\n  setuptools-scm\n",
            },
            "SETUPTOOLS_SCM_PRETEND_VERSION_FOR_SHOP",
        ),
        ({"pyproject.toml": SCM, "setup.cfg": "[metadata]\nname=shop\n"}, "SETUPTOOLS_SCM_PRETEND_VERSION_FOR_SHOP"),
        ({"pyproject.toml": SCM, "setup.py": "setup(name=NAME)"}, "SETUPTOOLS_SCM_PRETEND_VERSION"),
        (
            {"pyproject.toml": SCM + '[project]\nname = "shop"\ndynamic = ["version"]\n'},
            "SETUPTOOLS_SCM_PRETEND_VERSION_FOR_SHOP",
        ),
        ({"pyproject.toml": SCM + '[project]\nname = "shop"\nversion = "1"\n'}, None),
        ({"setup.py": 'setup(name="shop", version="1")'}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("line", ["-e ./libs/shop[web]", "libs/shop/", "shop @ file:libs/shop", "--editable=libs/shop"])
def test_what_a_project_is_told_that_a_requirement_names(wanted, files, variable, line):
    folder = {"requirements.txt": line, **{f"libs/shop/{name}": text for name, text in files.items()}}
    told = {variable: "0.0.0+s1"} if variable else {}
    assert wanted(folder).told == told
    assert wanted({**folder, "requirements.txt": "django"}).told == {}
    assert wanted({**folder, "requirements.txt": "django"}, [line]).told == told


@pytest.mark.parametrize(
    ("asks", "python", "refused"),
    [
        (">=3.12", "cpython-311 linux-x86_64", '"3.12"'),
        (">3.10,>=3.12,<4", "cpython-311 linux-x86_64", '"3.12"'),
        ("^3.14", "cpython-313 linux-x86_64", '"3.14"'),
        (">=3.10", "cpython-311 linux-x86_64", None),
        ("", "cpython-311 linux-x86_64", None),
    ],
)
def test_a_python_that_is_too_old_is_told_with_the_line_to_write(wanted, asks, python, refused):
    files = {"pyproject.toml": PROJECT + f'requires-python = "{asks}"\n'}
    if refused is None:
        assert wanted(files, python=python).digest()
        return
    with pytest.raises(
        inputs.RequirementsError, match=f"asks for {asks[:2]}.*: set gunicorn_python: {refused}".replace("^", r"\^")
    ):
        wanted(files, python=python).digest()


@pytest.mark.parametrize(
    "told", ["[tool.poetry]\npackage-mode = false", "[tool.uv]\npackage = false", "[tool.pdm]\ndistribution = false"]
)
def test_a_project_that_says_it_is_no_package(wanted, told):
    assert wanted({"pyproject.toml": BUILT}).local
    assert not wanted({"pyproject.toml": f"{BUILT}{told}\n"}).local


def test_a_build_system_of_another_kind_is_for_the_build_to_tell():
    assert projects.told_version({"build-system": {"requires": [1]}, "project": {"name": "x", "dynamic": 5}}) == []
    assert (
        projects.told_version({"build-system": {"requires": 1}, "project": {"name": "x", "dynamic": ["version"]}}) == []
    )
