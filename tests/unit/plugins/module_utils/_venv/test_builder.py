# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environments that the real uv builds, of packages that hold next to nothing."""

from __future__ import annotations

import base64
import functools
import hashlib
import http.server
import importlib.metadata
import io
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import threading
import zipfile

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._venv import builder, finding, inputs, requirements, uv

WHEELS = {
    "gunicorn-27.0.1": "",
    "gunicorn-26.0.0": "",
    "gunicorn-20.1.0": "",
    "flask-3.0": "Requires-Dist: click\n",
    "flask-3.1": "Requires-Dist: click\n",
    "click-8.0": "",
    "click-8.1": "",
    "served-1.0": "Requires-Dist: gunicorn<27\n",
    "bound-1.0": "Requires-Dist: gunicorn<23\n",
    "setuptools_scm-8.0": "",
    "gevent-25.0": "",
    "packaging-26.0": "",
    "modern-1.0": "Requires-Python: >=4\n",
    "coming-1.0": "Requires-Python: >=3.99\n",
}
# A build needs a backend; this one is in the source, leaves a file there as the usual ones do, and needs no other.
BACKEND = """
import os, zipfile

def build_wheel(folder, *_settings, editable=False):
    open("left-behind.txt", "w").close()
    place = os.getcwd()
    with zipfile.ZipFile(os.path.join(folder, "shop-1.0-py3-none-any.whl"), "w") as wheel:
        wheel.writestr("shop-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: shop\\nVersion: 1.0\\n")
        wheel.writestr("shop-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("shop-1.0.dist-info/RECORD", "")
        wheel.writestr("shop.pth", place) if editable else wheel.write("shop.py")
    return "shop-1.0-py3-none-any.whl"

def build_editable(folder, *_settings):
    return build_wheel(folder, editable=True)
"""
PROJECT = '[project]\nname = "shop"\nversion = "1.0"\nrequires-python = ">=3.10"\ndependencies = [{}]\n'
BUILT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
PACKAGE = {"pyproject.toml": PROJECT.format("") + BUILT, "backend.py": BACKEND, "shop.py": "HERE = 1"}
PYLOCK = """lock-version = "1.0"
created-by = "a test"
extras = ["web"]

[[packages]]
name = "click"
version = "8.0"
wheels = [{{ name = "click-8.0-py3-none-any.whl", url = "https://elsewhere.example/a.whl", hashes = {{ sha256 = "{}" }} }}]

[[packages]]
name = "flask"
version = "3.0"
marker = "'web' in extras and python_version >= '3.9'"
wheels = [{{ name = "flask-3.0-py3-none-any.whl", url = "https://elsewhere.example/b.whl", hashes = {{ sha256 = "{}" }} }}]
"""
POETRY_LOCK = """[[package]]
name = "click"
version = "8.0"
groups = ["main"]
files = [{{file = "click-8.0-py3-none-any.whl", hash = "{}"}}]

[[package]]
name = "flask"
version = "3.0"
optional = true
groups = ["main"]
markers = "extra == \\"web\\""
files = [{{file = "flask-3.0-py3-none-any.whl", hash = "{}"}}]

[package.source]
type = "legacy"
url = "https://elsewhere.example/simple"
reference = "elsewhere"

[extras]
web = ["flask"]

[metadata]
lock-version = "2.1"
python-versions = ">=3.10"
"""
PDM_LOCK = """[metadata]
groups = ["default", "web"]
strategy = ["inherit_metadata"]
lock_version = "4.5.0"

[[metadata.targets]]
requires_python = ">=3.10"

[[package]]
name = "click"
version = "8.0"
groups = ["default"]
files = [{{file = "click-8.0-py3-none-any.whl", hash = "{}"}}]

[[package]]
name = "flask"
version = "3.0"
groups = ["web"]
marker = "python_version >= \\"3.9\\""
files = [{{file = "flask-3.0-py3-none-any.whl", hash = "{}"}}]
"""
PIPFILE_LOCK = """{"_meta": {"requires": {"python_version": "3.10"}},
"default": {"click": {"version": "==8.0", "hashes": ["%s"], "markers": "python_version >= '3.9'"}},
"web": {"flask": {"version": "==3.0", "hashes": ["%s"], "index": "elsewhere"}},
"develop": {}}"""
# Namespaces of its own are what a server's root has; a container or an account may lack them.
needs_mounts = pytest.mark.skipif(
    shutil.which("unshare") is None or subprocess.call(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL) != 0,
    reason="mounts are not to be had here",
)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> pathlib.Path:
    """Return a folder with a wheel of each package."""
    folder = tmp_path_factory.mktemp("wheels")
    for package, more in WHEELS.items():
        name, version = package.split("-")
        with zipfile.ZipFile(folder / f"{package}-py3-none-any.whl", "w") as wheel:
            metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{more}"
            wheel.writestr(f"{name}.py", "")
            wheel.writestr(f"{package}.dist-info/METADATA", metadata)
            wheel.writestr(
                f"{package}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            )
            wheel.writestr(f"{package}.dist-info/RECORD", "")
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> pathlib.Path:
    """Return the folder where uv keeps what one test can take from another."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def seen(tmp_path) -> pathlib.Path:
    """Return a file with the arguments of every call of uv."""
    return tmp_path / "seen"


@pytest.fixture
def said() -> list[str]:
    """Return what people are to know of the environments that were built."""
    return []


@pytest.fixture
def build(tmp_path, monkeypatch, write, wheels, cache, seen, said):
    """Build the environment of a source with these files, and return its folder."""
    program = os.path.join(sysconfig.get_path("scripts"), "uv")
    script = f'#!/bin/sh\nprintf "%s\\n" "$*" >> {seen}\nexec {shlex.quote(program)} "$@"\n'
    write(tmp_path, {f"tools/uv-{uv.VERSION}/bin/uv": script})
    (tmp_path / f"tools/uv-{uv.VERSION}/bin/uv").chmod(0o755)
    monkeypatch.setattr(uv, "FOLDER", f"{tmp_path}/tools")
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)

    def build(
        files=None,
        extra=(),
        chdir=".",
        tool=uv.Uv,
        gunicorn=None,
        groups=(),
        text=None,
        version="",
        mirror=None,
        secrets=(),
        **index,
    ) -> pathlib.Path:
        source = str(write(tmp_path / "source", files)) if files else None
        file = finding.find(source, chdir).file if files else None
        wanted = inputs.Inputs(sys.executable, source, file, list(extra), gunicorn, chdir, list(groups), text, version)
        stage = tmp_path / "venvs" / wanted.digest()
        stage.mkdir(parents=True)
        given, place = uv.Index(index or {"wheels": str(wheels)}, str(cache)), str(tmp_path / "place")
        notes = builder.build("shop", wanted, str(stage), place, given, tool, mirror, secrets)
        said.extend(notes)
        return stage

    return build


def _locked(wheels, *packages: str) -> str:
    """Return the text of a lock that some other index was asked for."""
    blocks = []
    for package in packages:
        name, version = package.split("-")
        blocks.append(
            f'name = "{name}"\nversion = "{version}"\nsource = {{ registry = "https://elsewhere.example/simple" }}\n'
            f'wheels = [{{ url = "https://elsewhere.example/{package}-py3-none-any.whl", hash = "{_hash(wheels, package)}" }}]'
        )
    names = ", ".join(f'{{ name = "{package.split("-")[0]}" }}' for package in packages)
    blocks.append(
        f'name = "shop"\nversion = "1.0"\nsource = {{ virtual = "." }}\ndependencies = [{names}]\n\n'
        f"[package.metadata]\nrequires-dist = [{names}]"
    )
    return 'version = 1\nrequires-python = ">=3.10"\n' + "".join(f"\n[[package]]\n{block}\n" for block in blocks)


def _hash(wheels, package: str) -> str:
    return "sha256:" + hashlib.sha256((wheels / f"{package}-py3-none-any.whl").read_bytes()).hexdigest()


def test_the_pinned_uv_is_the_one_that_is_tested():
    assert importlib.metadata.version("uv") == uv.VERSION


@pytest.mark.parametrize(
    ("files", "extra", "installed"),
    [
        pytest.param({}, [], ["gunicorn==27.0.1"], id="nothing"),
        pytest.param({}, ["click<8.1"], ["click==8.0", "gunicorn==27.0.1"], id="without a source"),
        pytest.param(
            {"requirements.txt": "flask"}, ["click<8.1"], ["click==8.0", "flask==3.1", "gunicorn==27.0.1"], id="together"
        ),
        pytest.param({"requirements.txt": "gunicorn<27"}, [], ["gunicorn==26.0.0"], id="gunicorn by name"),
        pytest.param({"requirements.txt": "served"}, [], ["gunicorn==26.0.0", "served==1.0"], id="gunicorn by another"),
        pytest.param(
            {"requirements.txt": "click\n-c c.txt", "c.txt": "gunicorn<27\nclick<8.1"}, [],
            ["click==8.0", "gunicorn==26.0.0"], id="gunicorn by a constraint",
        ),
        pytest.param(
            {"pyproject.toml": PROJECT.format('"flask<3.1"')}, [],
            ["click==8.1", "flask==3.0", "gunicorn==27.0.1"], id="what a project depends on",
        ),
    ],
)  # fmt: skip
def test_what_is_installed(build, files, extra, installed):
    # As it was foretold, and nothing is there then.
    stage = build(files, extra, tool=uv.Forecast)
    assert builder.installed(str(stage)) == installed
    assert not list(stage.glob("lib/*/site-packages/gunicorn*"))
    shutil.rmtree(stage)
    assert builder.installed(str(build(files, extra))) == installed


@pytest.mark.slow
def test_gevent_comes_with_what_its_worker_class_imports(build, wheels):
    everything = ["gevent==25.0", "gunicorn==27.0.1", "packaging==26.0"]
    assert builder.installed(str(build(extra=["gevent"]))) == everything
    locked = f"gevent==25.0 --hash={_hash(wheels, 'gevent-25.0')}\n"
    assert builder.installed(str(build({"requirements.txt": locked}))) == everything


def test_all_of_it_is_compiled_so_that_no_start_of_the_app_has_to(build):
    packages = build({}, ["flask"])
    sources = {path.relative_to(packages) for path in packages.glob("lib/*/site-packages/**/*.py")}
    compiled = {
        path.parent.parent / f"{path.name.partition('.')[0]}.py" for path in packages.rglob("__pycache__/*.pyc")
    }
    assert sources
    assert {path.relative_to(packages) for path in compiled} >= sources


@pytest.mark.slow
def test_a_lock_is_taken_with_any_index(build, wheels):
    """The newest would be click 8.1."""
    files = {"pyproject.toml": PROJECT.format('"click"'), "uv.lock": _locked(wheels, "click-8.0")}
    assert builder.installed(str(build(files))) == ["click==8.0", "gunicorn==27.0.1"]
    assert sorted(os.listdir(build(files, ["flask"]).parents[1] / "source")) == ["pyproject.toml", "uv.lock"]


@pytest.mark.alike
@pytest.mark.parametrize("kind", ["a lock", "hashes"])
def test_what_comes_beside_leaves_what_is_exact(build, wheels, kind):
    files = {
        "a lock": {"pyproject.toml": PROJECT.format('"click"'), "uv.lock": _locked(wheels, "click-8.0")},
        "hashes": {"requirements.txt": f"click==8.0 \\\n  --hash={_hash(wheels, 'click-8.0')}"},
    }[kind]
    assert builder.installed(str(build(files, ["flask"]))) == ["click==8.0", "flask==3.1", "gunicorn==27.0.1"]
    with pytest.raises(uv.UvError, match=r"(?s)gunicorn_requirements: .*click>=8.1 and click==8.0"):
        build(files, ["click>=8.1"])


def test_a_gunicorn_that_is_too_old(build):
    said = r"they bring gunicorn 20.1.0, but it must be 23 or newer: give gunicorn_version, such as '27.0.1', which takes its"
    with pytest.raises(inputs.RequirementsError, match=said):
        build({"requirements.txt": "bound"})


@pytest.mark.slow
def test_a_gunicorn_of_ones_own_wins(build, wheels):
    pinned = {"requirements.txt": "bound\ngunicorn[fast]==20.1.0"}
    assert builder.installed(str(build(pinned, gunicorn="26.0.0"))) == ["bound==1.0", "gunicorn==26.0.0"]
    assert builder.installed(str(build(pinned, ["gunicorn>=23"]))) == ["bound==1.0", "gunicorn==27.0.1"]
    hashed = {"requirements.txt": f"gunicorn==20.1.0 --hash={_hash(wheels, 'gunicorn-20.1.0')}"}
    assert builder.installed(str(build(hashed, gunicorn="26.0.0"))) == ["gunicorn==26.0.0"]
    files = {"pyproject.toml": PROJECT.format('"gunicorn"'), "uv.lock": _locked(wheels, "gunicorn-20.1.0")}
    assert builder.installed(str(build(files, ["click", "gunicorn"], gunicorn="26.0.0"))) == [
        "click==8.1",
        "gunicorn==27.0.1",
    ]


@pytest.mark.alike
@pytest.mark.parametrize("tool", [uv.Forecast, uv.Uv])
@pytest.mark.parametrize("package", ["served", "bound"])
def test_a_version_that_is_given_wins_over_what_another_package_brings(build, tool, package):
    files = {"requirements.txt": package}
    assert builder.installed(str(build(files, tool=tool, gunicorn="27.0.1"))) == sorted(
        ["gunicorn==27.0.1", f"{package}==1.0"]
    )


def test_a_version_that_is_given_wins_over_a_group(build):
    groups = "[dependency-groups]\nweb = ['gunicorn==20.1.0']\ndeploy = ['click', {include-group = 'Web'}]\n"
    files = {"pyproject.toml": PROJECT.format("") + groups}
    assert builder.installed(str(build(files, gunicorn="26.0.0", groups=["deploy"]))) == [
        "click==8.1",
        "gunicorn==26.0.0",
    ]
    with pytest.raises(inputs.RequirementsError, match=r"gunicorn_requirements_file has 'gunicorn==20\.1\.0'"):
        build(files, groups=["deploy"])


def test_a_lock_has_the_last_word_on_what_is_needed(build, wheels):
    """Flask says that it needs click, which the project may have overridden."""
    files = {"pyproject.toml": PROJECT.format('"flask"'), "uv.lock": _locked(wheels, "flask-3.0")}
    assert builder.installed(str(build(files))) == ["flask==3.0", "gunicorn==27.0.1"]


@pytest.mark.alike
@pytest.mark.parametrize(
    ("tool", "groups", "installed"),
    [
        ("uv.lock", ["web"], ["click==8.0", "flask==3.0"]),
        ("uv.lock", [], ["click==8.0"]),
        ("pyproject.toml", [], ["click==8.1"]),
        ("pyproject.toml", ["web"], ["click==8.1", "flask==3.1"]),
        ("pyproject.toml", ["Deploy"], ["click==8.1", "served==1.0"]),
        ("pylock.toml", [], ["click==8.0"]),
        ("pylock.toml", ["web"], ["click==8.0", "flask==3.0"]),
        ("poetry.lock", [], ["click==8.0"]),
        ("poetry.lock", ["web"], ["click==8.0", "flask==3.0"]),
        ("pdm.lock", [], ["click==8.0"]),
        ("pdm.lock", ["web"], ["click==8.0", "flask==3.0"]),
        ("Pipfile.lock", [], ["click==8.0"]),
        ("Pipfile.lock", ["web"], ["click==8.0", "flask==3.0"]),
    ],
)
def test_a_group_is_installed_where_it_is_asked_for(build, wheels, tool, groups, installed):
    click, flask = _hash(wheels, "click-8.0"), _hash(wheels, "flask-3.0")
    project = PROJECT.format('"click"') + '[project.optional-dependencies]\nweb = ["flask"]\n'
    lock = _locked(wheels, "click-8.0", "flask-3.0").replace(
        'dependencies = [{ name = "click" }, { name = "flask" }]',
        'dependencies = [{ name = "click" }]\n[package.optional-dependencies]\nweb = [{ name = "flask" }]',
    )
    lock = lock.replace('{ name = "flask" }]\n\n', '{ name = "flask" }]\n\n').replace(
        'requires-dist = [{ name = "click" }, { name = "flask" }]',
        'requires-dist = [{ name = "click" }, { name = "flask", marker = "extra == \'web\'" }]\nprovides-extras = ["web"]',
    )
    files = {
        "uv.lock": {"pyproject.toml": project, "uv.lock": lock},
        "pyproject.toml": {"pyproject.toml": project + '[dependency-groups]\ndeploy = ["served"]\n'},
        "pylock.toml": {"pylock.toml": PYLOCK.format(click[7:], flask[7:])},
        "poetry.lock": {"pyproject.toml": project, "poetry.lock": POETRY_LOCK.format(click, flask)},
        "pdm.lock": {"pyproject.toml": project, "pdm.lock": PDM_LOCK.format(click, flask)},
        "Pipfile.lock": {"Pipfile.lock": PIPFILE_LOCK % (click, flask)},
    }[tool]
    got = builder.installed(str(build(files, groups=groups)))
    assert [line for line in got if not line.startswith("gunicorn==")] == installed


@needs_mounts
def test_a_python_that_the_source_names_is_told_whatever_becomes_of_it(build, said):
    build({"requirements.txt": "click\n", ".python-version": "3.3\n"})
    assert 'set gunicorn_python: "3.3" if it doesn\'t work with that' in "".join(said)
    with pytest.raises(uv.UvError, match=r"nosuch(?s:.*)The source's \.python-version names Python 3\.3"):
        build({"requirements.txt": "nosuch\n"})


@pytest.mark.slow
def test_a_project_that_is_no_package_is_not_installed(build, said):
    """Its backend says so as setuptools does."""
    backend = BACKEND.replace(
        "place = ", "raise SystemExit('Multiple top-level packages discovered in a flat-layout')\n    place = "
    )
    files = {**PACKAGE, "backend.py": backend, "pyproject.toml": PROJECT.format('"click"') + BUILT}
    assert builder.installed(str(build(files))) == ["click==8.1", "gunicorn==27.0.1"]
    assert [note for note in said if "package = false" in note]
    files["pyproject.toml"] += "[tool.uv]\npackage = false\n"
    assert builder.installed(str(build(files))) == ["click==8.1", "gunicorn==27.0.1"]
    assert len(said) == 1


@pytest.mark.alike
@needs_mounts
@pytest.mark.parametrize(("line", "extra"), [(None, []), ("-e .", []), ("./", []), ("click", ["."])])
def test_a_project_learns_its_version_from_the_source(build, line, extra):
    backend = BACKEND.replace(
        "import os, zipfile", "import os, zipfile\nVERSION = os.environ['SETUPTOOLS_SCM_PRETEND_VERSION_FOR_SHOP']"
    )
    backend = backend.replace('"shop-1.0', 'f"shop-{VERSION}').replace('"Metadata-Version', 'f"Metadata-Version')
    backend = backend.replace('Version: 1.0\\n")', 'Version: {VERSION}\\n")')
    project = PROJECT.format("").replace('version = "1.0"', 'dynamic = ["version"]')
    project += BUILT.replace("requires = []", 'requires = ["setuptools_scm[toml]>=8"]')
    files = {**PACKAGE, "pyproject.toml": project, "backend.py": backend}
    files |= {"requirements.txt": line} if line else {}
    assert "shop==1.2.3" in builder.installed(str(build(files, extra, version="v1.2.3")))
    assert "shop==0.0.0+source" in builder.installed(str(build(files, extra, version="main")))


@pytest.mark.slow
@needs_mounts
def test_a_lock_of_another_tool_comes_with_its_project(build, wheels, said):
    lock = POETRY_LOCK.format(_hash(wheels, "click-8.0"), _hash(wheels, "flask-3.0"))
    files = {**PACKAGE, "pyproject.toml": PROJECT.format('"click"') + BUILT, "poetry.lock": lock}
    assert builder.installed(str(build(files))) == ["click==8.0", "gunicorn==27.0.1", "shop==1.0"]
    files["backend.py"] = BACKEND.replace(
        "place = ", "raise SystemExit('No file/folder found for package shop')\n    place = "
    )
    files["poetry.lock"] += "# once more"
    assert builder.installed(str(build(files))) == ["click==8.0", "gunicorn==27.0.1"]
    assert len(said) == 1


def test_a_file_that_is_not_in_the_source(build):
    assert builder.installed(str(build({"requirements.txt": "flask"}, text="click<8.1\n"))) == [
        *("click==8.0", "gunicorn==27.0.1")
    ]


@pytest.mark.alike
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig"])
def test_requirements_that_powershell_wrote(build, tmp_path, encoding):
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    for name, text in (("requirements.txt", "-r more.txt\r\nclick<8.1\r\n"), ("more.txt", "gunicorn<27\r\n")):
        (tmp_path / "source").mkdir(exist_ok=True)
        (tmp_path / "source" / name).write_bytes((mark + text).encode(encoding))
    assert builder.installed(str(build({"app.py": ""}))) == ["click==8.0", "gunicorn==26.0.0"]


@pytest.mark.slow
def test_another_index_in_the_file(build, wheels, write, tmp_path):
    """The first index has click, too, but not that one; pip takes it from the other."""
    other = write(tmp_path / "other", {"click/index.html": ""})
    shutil.copy(wheels / "click-8.0-py3-none-any.whl", other / "click")
    (other / "click/index.html").write_text('<a href="click-8.0-py3-none-any.whl">click-8.0-py3-none-any.whl</a>')
    first = write(tmp_path / "first", {"click/index.html": ""})
    for name in ("click", "gunicorn"):
        links = sorted(path.name for path in wheels.glob(f"{name}-*.whl"))
        write(first, {f"{name}/index.html": "".join(f'<a href="{wheels}/{link}">{link}</a>\n' for link in links)})
    files = {"requirements.txt": f"--extra-index-url file://{other}\nclick==8.1\n"}
    assert builder.installed(str(build(files, url=f"file://{first}"))) == ["click==8.1", "gunicorn==27.0.1"]


def test_where_one_requirement_has_a_hash_all_must(build, wheels):
    with pytest.raises(uv.UvError, match=r"(?s)gunicorn_requirements_file: .*must have a hash.*flask==3.0"):
        build({"requirements.txt": f"click==8.0 --hash={_hash(wheels, 'click-8.0')}\nflask==3.0"})


@pytest.mark.parametrize("kind", ["a lock", "hashes"])
def test_another_file_than_the_one_that_was_locked(build, wheels, kind):
    text = _locked(wheels, "click-8.0") if kind == "a lock" else f"click==8.0 --hash={_hash(wheels, 'click-8.0')}"
    text = text.replace(_hash(wheels, "click-8.0"), "sha256:" + 64 * "0")
    files = {"uv.lock": text, "pyproject.toml": PROJECT.format('"click"')}
    with pytest.raises(uv.UvError, match=r"(?s)gunicorn_requirements_file: .*Hash mismatch"):
        build(files if kind == "a lock" else {"requirements.txt": text})


@pytest.mark.parametrize(
    ("project", "lock", "said"),
    [
        ('"click", "flask"', "", "uv.lock no longer fits the pyproject.toml .*: run `uv lock` there"),
        ('"click"', "broken", "uv.lock is no valid TOML: "),
        ('"click"', "\n[[package]]\nversion = 1", "uv.lock can't be used: error: Failed to parse"),
        ('"click"\n]\nrequires-python = [\n', "", "pyproject.toml is no valid TOML: "),
    ],
)
def test_a_lock_that_can_not_be_used(build, wheels, project, lock, said):
    files = {"pyproject.toml": PROJECT.format(project), "uv.lock": _locked(wheels, "click-8.0") + lock}
    with pytest.raises(inputs.RequirementsError, match=f"gunicorn_requirements_file: {said}"):
        build(files)


@pytest.mark.alike
@needs_mounts
@pytest.mark.parametrize("requirement", [".", "shop @ file:.", "-e .", None])
def test_the_source_is_built_and_stays_as_it_is(build, tmp_path, requirement):
    files = {**PACKAGE, "requirements.txt": requirement} if requirement else PACKAGE
    venv = build(files)
    assert builder.installed(str(venv)) == ["gunicorn==27.0.1", "shop==1.0"]
    assert sorted(os.listdir(tmp_path / "source")) == sorted(files)
    done = subprocess.run(
        [venv / "bin/python", "-c", "import shop; print(shop.__file__)"],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    )
    # Editable, it is the source itself, not the copy that it was built from.
    assert done.stdout.startswith(str(tmp_path / "source" if requirement == "-e ." else venv))
    assert os.listdir(tmp_path / "venvs") == [venv.name]


@needs_mounts
def test_a_build_that_has_the_record_lead_elsewhere(build, tmp_path):
    # To the one place outside of an environment to which its links may lead.
    record = f"{tmp_path}/place/installed.txt"
    link = f'import sys; os.path.lexists("{record}") or os.symlink(os.path.realpath(sys.executable), "{record}")'
    venv = build({**PACKAGE, "backend.py": f"{BACKEND}\n{link}", "requirements.txt": "."})
    assert not (venv / "installed.txt").is_symlink()
    assert builder.installed(str(venv)) == ["gunicorn==27.0.1", "shop==1.0"]


@pytest.mark.alike
@needs_mounts
@pytest.mark.parametrize("of_the_source", [True, False])
def test_a_build_finds_an_empty_file_for_each_that_is_secret(build, wheels, write, tmp_path, of_the_source):
    look = f"wheel.writestr('seen.txt', open('{tmp_path}/source/.env').read() + open('{tmp_path}/source/open').read())"
    backend = BACKEND.replace("        wheel.writestr(", f"        {look}\n        wheel.writestr(", 1)
    package = {**PACKAGE, "backend.py": backend, "PKG-INFO": "Name: shop\n"}
    files = {".env": "TOKEN=hunter2", "open": "open"}
    # What says what is needed has to be read, whatever it is called.
    if of_the_source:
        files = {**files, **package, "requirements.txt": "."}
    else:
        files["requirements.txt"] = "shop"
        with tarfile.open(wheels / "shop-1.0.tar.gz", "w:gz") as archive:
            archive.add(write(tmp_path / "shop-1.0", package), "shop-1.0")
    try:
        venv = build(files, secrets=["./.env", "nosuch", "requirements.txt"])
    finally:
        (wheels / "shop-1.0.tar.gz").unlink(missing_ok=True)
    assert next(venv.glob("lib/*/site-packages/seen.txt")).read_text() == "open"
    assert (tmp_path / "source/.env").read_text() == "TOKEN=hunter2"


@pytest.mark.slow
@needs_mounts
def test_a_lock_of_a_project_that_is_a_package(build, wheels, tmp_path):
    lock = _locked(wheels, "click-8.0").replace("virtual", "editable")
    venv = build({**PACKAGE, "pyproject.toml": PROJECT.format('"click"') + BUILT, "uv.lock": lock})
    assert builder.installed(str(venv)) == ["click==8.0", "gunicorn==27.0.1", "shop==1.0"]
    assert list(venv.glob("lib/python*/site-packages/shop.py"))
    assert not (tmp_path / "source" / "left-behind.txt").exists()


def test_a_python_that_is_too_old(build):
    with pytest.raises(uv.UvError, match=r"(?s)gunicorn_requirements_file: .*modern==1.0 requires Python >=4"):
        build({"requirements.txt": "modern"})


@pytest.mark.parametrize(
    ("raised", "remedy"),
    [
        (
            "ModuleNotFoundError: No module named 'pkg_resources'",
            "gunicorn_requirements: a package's own setup needs pkg_resources",
        ),
        (
            "git@git.example.com: Permission denied (publickey).",
            "gunicorn_source: where it is a git repository, its ssh_key",
        ),
    ],
)
@needs_mounts
def test_what_a_build_says_comes_with_a_remedy(build, raised, remedy):
    files = {**PACKAGE, "backend.py": BACKEND.replace("place = ", f"raise SystemExit({raised!r})\n    place = ")}
    with pytest.raises(uv.UvError, match=f"(?s)gunicorn_requirements_file: .*\n{remedy}"):
        build(files)


@needs_mounts
def test_of_a_build_that_says_much_the_journal_has_the_whole(build, monkeypatch):
    kept = []
    monkeypatch.setattr(builder.systemd, "note", lambda app, said: kept.append((app, said)))
    said = "print(*(f'line {number}' for number in range(50)), sep=chr(10)); raise SystemExit('no way')"
    files = {**PACKAGE, "backend.py": BACKEND.replace("place = ", f"{said}\n    place = ")}
    with pytest.raises(uv.UvError) as error:
        build(files)
    assert "line 49" in str(error.value)
    assert "line 1\n" not in str(error.value)
    assert str(error.value).endswith("all it said: journalctl --identifier=gunicorn-shop")
    ((app, whole),) = kept
    assert app == "shop"
    assert "line 1\n" in whole


def test_a_python_that_is_too_old_for_a_package_is_told_with_the_line_to_write(build):
    with pytest.raises(uv.UvError, match=r'(?s)gunicorn_requirements_file: .*\ngunicorn_python: "3.99": set this'):
        build({"requirements.txt": "coming"})


def test_what_a_folder_of_wheels_lacks(build, wheels):
    with pytest.raises(uv.UvError) as error:
        build({"requirements.txt": "flask\nnosuch==1.0"})
    said = str(error.value)
    assert "nosuch was not found in the provided package locations" in said
    assert f"pip download --dest {wheels}" in said


@pytest.fixture
def url(wheels):
    """Return the URL of an index that wants a user and a password, with a place for them; it is a proxy, too."""
    wanted = "Basic " + base64.b64encode(b"deploy:hunter2").decode()
    wanted_of_the_way = "Basic " + base64.b64encode(b"clerk:hunter2").decode()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def send_head(self):
            if self.path.startswith("http://index.example/"):
                self.path = self.path.removeprefix("http://index.example")
                if self.headers.get("Proxy-Authorization") != wanted_of_the_way:
                    self.send_error(407)
                    return None
            elif self.headers.get("Authorization") != wanted:
                self.send_error(401)
                return None
            name = self.path.strip("/").rpartition("/")
            if name[0] == "simple":
                self.path = "/"
            return super().send_head()

        def list_directory(self, _path):
            files = "".join(f'<a href="/{name}">{name}</a>\n' for name in sorted(os.listdir(wheels)))
            page = f"<!DOCTYPE html>\n<html>{files}</html>".encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            return io.BytesIO(page)

        def log_message(self, *_arguments):
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(wheels)))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://{{}}@127.0.0.1:{server.server_address[1]}/simple"
    server.shutdown()
    server.server_close()


def test_a_password_is_used_and_seen_nowhere(build, cache, seen, tmp_path, url):
    venv = build({"requirements.txt": "flask"}, url=url.format("deploy:hunter2"))
    assert builder.installed(str(venv)) == ["click==8.1", "flask==3.1", "gunicorn==27.0.1"]
    assert "pip install" in seen.read_text()
    for path in [*tmp_path.rglob("*"), *cache.rglob("*")]:
        assert path.is_symlink() or not path.is_file() or b"hunter2" not in path.read_bytes(), path


@pytest.mark.slow
def test_a_password_in_a_requirement_is_in_no_record(build, url):
    place = url.format("deploy:hunter2").replace("/simple", "/click-8.0-py3-none-any.whl")
    venv = build(extra=[f"click @ {place}"], url=url.format("deploy:hunter2"))
    assert builder.installed(str(venv)) == ["click==8.0", "gunicorn==27.0.1"]
    for path in venv.rglob("*"):
        assert path.is_symlink() or not path.is_file() or b"hunter2" not in path.read_bytes(), path


NOSY_PROJECT = """
[build-system]
requires = ["click"]
build-backend = "nosy"
backend-path = ["."]

[project]
name = "nosy"
version = "1.0"
"""
# The backend of a package that tells all it finds, by a file in what it installs.
NOSY = """
import base64, glob, json, os, urllib.request, zipfile

def answers(address):
    for path in ("/simple/click/", "/elsewhere", "/simple/../elsewhere", "/simple/%2e%2e/elsewhere"):
        try:
            yield urllib.request.urlopen(urllib.request.Request(address[0] + path, headers=address[1])).read().decode()
        except OSError as error:
            yield f"{path} {error}"

def build_wheel(folder, *_settings):
    before, at, host = os.environ["UV_DEFAULT_INDEX"].removeprefix("http://").partition("@")
    address = f"http://{host.partition('/')[0]}", {"Authorization": f"Basic {base64.b64encode(before.encode()).decode()}"}
    found = [dict(os.environ), list(answers(address)), open(f"/proc/{os.getppid()}/cmdline").read()]
    with zipfile.ZipFile(os.path.join(folder, "nosy-1.0-py3-none-any.whl"), "w") as wheel:
        wheel.writestr("nosy-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: nosy\\nVersion: 1.0\\n")
        wheel.writestr("nosy-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("nosy-1.0.dist-info/RECORD", "")
        wheel.writestr("nosy.json", json.dumps(found))
    return "nosy-1.0-py3-none-any.whl"
"""


def test_a_build_gets_packages_and_no_password(build, wheels, write, tmp_path, url):
    write(tmp_path / "nosy-1.0", {"nosy.py": NOSY, "pyproject.toml": NOSY_PROJECT, "PKG-INFO": "Name: nosy\n"})
    with tarfile.open(wheels / "nosy-1.0.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "nosy-1.0", "nosy-1.0")
    try:
        venv = build(extra=["nosy", "flask"], url=url.format("deploy:hunter2"))
    finally:
        (wheels / "nosy-1.0.tar.gz").unlink()
    told = next(venv.glob("lib/*/site-packages/nosy.json")).read_text()
    environment, answers, _arguments = json.loads(told)
    # What it asks is answered as far as that is a package.
    assert "click-8.1" in answers[0]
    assert all("404" in answer for answer in answers[1:])
    assert environment["UV_DEFAULT_INDEX"].startswith("http://relay:")
    for secret in ("hunter2", base64.b64encode(b"deploy:hunter2").decode()):
        assert secret not in told


def test_a_build_gets_no_password_of_a_proxy(build, wheels, write, tmp_path, url, monkeypatch):
    # The index stands in for a proxy, and for all that lies behind it.
    write(tmp_path / "nosy-1.0", {"nosy.py": NOSY, "pyproject.toml": NOSY_PROJECT, "PKG-INFO": "Name: nosy\n"})
    with tarfile.open(wheels / "nosy-1.0.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "nosy-1.0", "nosy-1.0")
    monkeypatch.setenv("HTTP_PROXY", url.format("clerk:hunter2").removesuffix("/simple"))
    try:
        venv = build(extra=["nosy", "flask"], url="http://index.example/simple")
    finally:
        (wheels / "nosy-1.0.tar.gz").unlink()
    told = next(venv.glob("lib/*/site-packages/nosy.json")).read_text()
    assert json.loads(told)[0]["HTTP_PROXY"].startswith("http://relay:")
    for secret in ("hunter2", base64.b64encode(b"clerk:hunter2").decode()):
        assert secret not in told


def test_a_proxy_that_takes_no_password_of_ours(build, url, monkeypatch):
    monkeypatch.setenv("http_proxy", url.format("clerk:hunter3").removesuffix("/simple"))
    with pytest.raises(uv.UvError) as error:
        build({"requirements.txt": "flask"}, url="http://index.example/simple")
    assert url.format("").replace("@", "").removesuffix("/simple") in str(error.value)
    assert "doesn't take the user and password" in str(error.value)
    assert "hunter3" not in str(error.value)
    assert "relay" not in str(error.value)


def test_a_proxy_whose_password_can_t_be_kept_from_a_build(build, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "socks5://clerk:hunter2@127.0.0.1:9")
    with pytest.raises(OSError, match=r"socks5://127\.0\.0\.1:9 is a proxy with a user and password") as error:
        build({"requirements.txt": "flask"})
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("credentials", ["deploy:hunter3", "deploy:hunter3%2Fx"])
def test_a_wrong_password_is_told_but_not_shown(build, url, credentials):
    with pytest.raises(uv.UvError) as error:
        build({"requirements.txt": "flask"}, url=url.format(credentials))
    assert "401 Unauthorized" in str(error.value)
    assert "gunicorn_index.url: " in str(error.value)
    assert "hunter3" not in str(error.value)


def test_a_url_that_uv_repeats_is_shown_without_its_password(build):
    with pytest.raises(uv.UvError, match=r"gunicorn_index\.url, or pip's configuration on the host: ") as error:
        build({"requirements.txt": "flask"}, url="https://deploy:hunter2@a.example:port/simple")
    assert "a.example" in str(error.value)
    assert "hunter2" not in str(error.value)


@pytest.fixture
def private(tmp_path, write, git) -> str:
    """Return the folder of a repository with a package, which can be had by its folder alone."""
    pyproject = NOSY_PROJECT.replace("nosy", "shop").replace('requires = ["click"]', "requires = []")
    folder = str(write(tmp_path / "private", {"shop.py": BACKEND, "pyproject.toml": pyproject}))
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message=first")
    git(folder, "tag", "v1")
    return folder


@pytest.fixture
def mirror(private, git, tmp_path):
    """Return what brings that repository, as who has a key can."""

    def mirror(url, versions, folder):
        if not url.endswith("/shop.git"):
            raise requirements.RequirementsError(f"{url} can't be read")
        git(str(tmp_path), "clone", "--quiet", "--bare", private, folder)
        git(folder, "config", "uploadpack.allowAnySHA1InWant", "true")

    return mirror


URL = "git+ssh://git@git.example/of/shop.git"


@pytest.mark.alike
@pytest.mark.parametrize("version", ["", "@main", "@v1", "@{commit}"])
def test_a_requirement_from_a_repository_that_takes_a_key(build, private, mirror, git, url, version):
    commit = git(private, "rev-parse", "HEAD")
    line = f"shop @ {URL}{version.format(commit=commit)}"
    venv = build({"requirements.txt": f"{line}\nflask\n"}, mirror=mirror, url=url.format("deploy:hunter2"))
    assert builder.installed(str(venv)) == ["click==8.1", "flask==3.1", "gunicorn==27.0.1", "shop==1.0"]
    about = json.loads(next(venv.glob("lib/*/site-packages/shop-*/direct_url.json")).read_text())
    assert (about["url"], about["vcs_info"]["commit_id"]) == (URL.removeprefix("git+"), commit)


@pytest.mark.slow
def test_a_repository_that_people_edit_is_installed_as_any_other(build, private):
    venv = build({"requirements.txt": f"-e git+file://{private}@v1#egg=shop\nflask\n"})
    assert "shop==1.0" in builder.installed(str(venv))
    # What goes by the place of its file is for its author to write so.
    files = {"requirements.txt": f"-r base.txt\n-e git+file://{private}\n", "base.txt": "flask"}
    with pytest.raises(uv.UvError, match="gunicorn_requirements_file: take out the -e in front of git"):
        build(files)


def test_a_project_beside_the_file_that_is_broken_is_named_by_its_path(build):
    with pytest.raises(
        inputs.RequirementsError, match=r"gunicorn_requirements_file: libs/own/pyproject\.toml is no valid TOML"
    ):
        build({"requirements.txt": "./libs/own\n", "libs/own/pyproject.toml": "[project\n"})


@pytest.mark.slow
def test_a_lock_of_uv_that_has_such_a_repository(build, wheels, private, mirror, git, url):
    commit = git(private, "rev-parse", "HEAD")
    source = f'git = "{URL.removeprefix("git+")}?rev=main#{commit}"'
    project = '[project]\nname = "site"\nversion = "1.0"\nrequires-python = ">=3.9"\ndependencies = ["shop"]\n'
    project += f'[tool.uv.sources]\nshop = {{ git = "{URL.removeprefix("git+")}", rev = "main" }}\n'
    lock = (
        'version = 1\nrevision = 3\nrequires-python = ">=3.9"\n[[package]]\nname = "shop"\nversion = "1.0"\n'
        f'source = {{ {source} }}\n[[package]]\nname = "site"\nversion = "1.0"\nsource = {{ virtual = "." }}\n'
        'dependencies = [{ name = "shop" }]\n[package.metadata]\nrequires-dist = [{ name = "shop", '
        f'git = "{URL.removeprefix("git+")}?rev=main" }}]\n'
    )
    # The branch has moved on since.
    git(private, "commit", "--quiet", "--allow-empty", "--message=second")
    venv = build({"pyproject.toml": project, "uv.lock": lock}, mirror=mirror, url=url.format("deploy:hunter2"))
    assert builder.installed(str(venv)) == ["gunicorn==27.0.1", "shop==1.0"]
    about = json.loads(next(venv.glob("lib/*/site-packages/shop-*/direct_url.json")).read_text())
    assert about["vcs_info"]["commit_id"] == commit


def test_a_repository_that_the_key_does_not_open(build, mirror, url):
    index = url.format("deploy:hunter2")
    with pytest.raises(uv.UvError, match=r"^ssh://git@127\.0\.0\.1:1/other\.git can't be read\n"):
        build(extra=["other @ git+ssh://git@127.0.0.1:1/other.git"], mirror=mirror, url=index)
