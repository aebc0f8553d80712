# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where packages come from, and what is said when they don't."""

from __future__ import annotations

import contextlib
import ensurepip
import hashlib
import os
import pathlib
import platform
import types
import zipfile

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import files, shell
from ansible_collections.pyweb.stack.plugins.module_utils._venv import uv


@pytest.fixture
def index(tmp_path, monkeypatch, write):
    """Return where packages come from on a host with this configuration of pip and these variables."""

    def index(configuration="", environment=None, **given) -> uv.Index:
        for name in [name for name in os.environ if name.startswith(("PIP_", "UV_", "SSL_CERT_FILE"))]:
            monkeypatch.delenv(name)
        monkeypatch.setattr(uv, "_PIP_OF_ALL", ())
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("PIP_CONFIG_FILE", str(write(tmp_path, {"pip.conf": configuration}) / "pip.conf"))
        for name, value in (environment or {}).items():
            monkeypatch.setenv(name, value)
        return uv.Index(given)

    return index


def _of_uv(index: uv.Index) -> list[str]:
    """Return what uv is told of where packages come from."""
    names = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_FIND_LINKS", "UV_INSECURE_HOST", "UV_OFFLINE", "ALL_PROXY")
    told = index.uv()
    return [f"{name}={told[name]}" for name in names if name in told] + index.options()


@pytest.mark.parametrize(
    ("configuration", "environment", "told"),
    [
        pytest.param("", {}, [], id="none"),
        pytest.param(
            "[global]\nindex-url = https://a.example/simple\nextra-index-url =\n  https://b.example\n  https://c.example\n",
            {},
            ["UV_DEFAULT_INDEX=https://a.example/simple", "UV_INDEX=https://b.example https://c.example"],
            id="indexes",
        ),
        pytest.param(
            "[global]\nindex-url = https://a.example\n[install]\nindex-url = https://b.example\n", {},
            ["UV_DEFAULT_INDEX=https://b.example"], id="the section of pip install wins",
        ),
        pytest.param(
            "[global]\nindex-url = https://a.example\n", {"PIP_INDEX_URL": "https://b.example"},
            ["UV_DEFAULT_INDEX=https://b.example"], id="the environment wins",
        ),
        pytest.param(
            "[global]\nno-index = true\nfind-links = /opt/a\n  /opt/b\n", {},
            ["UV_FIND_LINKS=/opt/a,/opt/b", "--no-index"], id="folders of wheels",
        ),
        pytest.param("[global]\nno-index = false\n", {}, [], id="a switch that is off"),
        pytest.param("[global]\ntrusted-host = a.example\n", {}, ["UV_INSECURE_HOST=a.example"], id="trust"),
        pytest.param("[global]\nproxy = http://a.example\n", {}, ["ALL_PROXY=http://a.example"], id="a proxy"),
        pytest.param("[global]\nindex-url = https://a.example/%40b\n", {}, ["UV_DEFAULT_INDEX=https://a.example/%40b"],
                     id="a percent sign"),
        pytest.param("", {"UV_INDEX": "https://a.example"}, [], id="what is uv's alone does not count"),
    ],
)  # fmt: skip
def test_the_hosts_pip_configuration_counts(index, configuration, environment, told):
    assert _of_uv(index(configuration, environment)) == told


@pytest.mark.parametrize("configuration", ["index-url = https://a.example\n", "[global]\n[global]\n", "[global\n"])
def test_a_configuration_of_pip_that_is_none_is_named(index, configuration):
    with pytest.raises(uv.UvError, match=r"(?s)pip's configuration on the host can't be read: .*pip\.conf"):
        index(configuration)


HOST = "[global]\nindex-url = https://a.example\nextra-index-url = https://b.example\ntrusted-host = a.example\n"


def test_an_index_takes_the_place_of_the_hosts(index):
    given = index(HOST, {"PIP_FIND_LINKS": "/opt/a"}, url="https://me:pw@c.example/simple")
    assert _of_uv(given) == ["UV_DEFAULT_INDEX=https://me:pw@c.example/simple", "UV_INSECURE_HOST=a.example"]
    pip = {name: value for name, value in given.pip().items() if name.startswith("PIP_")}
    assert pip == {
        "PIP_INDEX_URL": "https://me:pw@c.example/simple",
        "PIP_TRUSTED_HOST": "a.example",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INPUT": "1",
    }


def test_a_folder_of_wheels_takes_the_place_of_the_network(index, tmp_path):
    given = index(HOST, wheels=str(tmp_path))
    assert [told for told in _of_uv(given) if "INSECURE" not in told] == [
        *(f"UV_FIND_LINKS={tmp_path}", "UV_OFFLINE=1", "--no-index")
    ]
    pip = given.pip()
    assert (pip["PIP_FIND_LINKS"], pip["PIP_NO_INDEX"]) == (str(tmp_path), "true")
    assert "PIP_INDEX_URL" not in pip


@pytest.mark.parametrize(
    ("configuration", "environment", "ca", "trusted"),
    [
        ("", {}, False, "/etc/ssl/certs/ca-certificates.crt"),
        ("", {"SSL_CERT_FILE": "/opt/a.pem"}, False, "/opt/a.pem"),
        ("[global]\ncert = /opt/b.pem\n", {}, False, "/opt/b.pem"),
        ("[global]\ncert = /opt/b.pem\n", {"SSL_CERT_FILE": "/opt/a.pem"}, True, "{}/ca.pem"),
    ],
)
def test_whose_certificates_are_trusted(index, tmp_path, write, configuration, environment, ca, trusted):
    given = {"ca": str(write(tmp_path, {"ca.pem": ""}) / "ca.pem")} if ca else {}
    got = index(configuration, environment, **given)
    assert got.uv()["SSL_CERT_FILE"] == trusted.format(tmp_path)
    assert got.pip().get("PIP_CERT") == (trusted.format(tmp_path) if ca or configuration else None)


def test_what_needs_no_packages_is_told_of_no_index(index):
    assert not {"UV_DEFAULT_INDEX", "UV_INDEX", "UV_FIND_LINKS"} & set(index(HOST).uv_alone())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"ca": "/no/such.pem"}, "gunicorn_index.ca is '/no/such.pem', but the target has no such file"),
        ({"wheels": "/no/such"}, "gunicorn_index.wheels is '/no/such', but the target has no such folder"),
    ],
)
def test_what_the_target_lacks(index, given, said):
    with pytest.raises(uv.UvError, match=said):
        index(**given)


def test_a_folder_without_the_installer(index, tmp_path, monkeypatch, write):
    write(tmp_path, {"pip/pip-1.whl": ""})
    monkeypatch.setattr(uv, "_PIP_WHEELS", f"{tmp_path}/pip/pip-*.whl")
    monkeypatch.setattr(uv, "FOLDER", f"{tmp_path}/tools")
    with pytest.raises(uv.UvError) as error:
        uv.fetch(index(wheels=str(tmp_path)))
    first, second = str(error.value).splitlines()
    assert first.startswith(f"gunicorn_index.wheels: {tmp_path} has no file uv-{uv.VERSION}-py3-none-")
    assert f"pip download --dest {tmp_path} uv=={uv.VERSION}" in second


@pytest.fixture
def host(index, tmp_path, monkeypatch):
    """Return a host that has Debian's pip and a folder with a file that is called as the installer is; it is in `wheel`."""
    name = f"uv-{uv.VERSION}"
    about = {
        "METADATA": f"Metadata-Version: 2.1\nName: uv\nVersion: {uv.VERSION}\n",
        "WHEEL": "Wheel-Version: 1.0\n",
        "RECORD": "",
    }
    wheel = tmp_path / f"wheels/{name}-py3-none-manylinux_2_17_{platform.machine()}.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as file:
        program = zipfile.ZipInfo(f"{name}.data/scripts/uv")
        program.external_attr = 0o100755 << 16
        file.writestr(program, "#!/bin/sh\n")
        for part, text in about.items():
            file.writestr(f"{name}.dist-info/{part}", text)
    bundled = pathlib.Path(ensurepip.__file__).parent / "_bundled"
    # Debian's own Python has it where it is looked for anyway.
    if bundled.exists():
        monkeypatch.setattr(uv, "_PIP_WHEELS", f"{bundled}/pip-*.whl")
    monkeypatch.setattr(uv, "FOLDER", str(tmp_path / "tools"))
    return types.SimpleNamespace(index=index(wheels=str(wheel.parent)), wheel=wheel, folder=tmp_path / "tools")


def test_the_installer_is_fetched_once_and_whole(host, monkeypatch):
    monkeypatch.setattr(uv, "HASHES", (hashlib.sha256(host.wheel.read_bytes()).hexdigest(),))
    assert not uv.there()
    uv.fetch(host.index)
    assert os.access(uv.path(), os.X_OK)
    assert uv.there()
    assert os.listdir(host.folder) == [f"uv-{uv.VERSION}"]
    host.wheel.unlink()
    uv.fetch(host.index)


@pytest.mark.slow
def test_an_installer_that_is_not_what_its_authors_made_is_refused(host):
    with pytest.raises(uv.UvError, match=r"it has a file of uv .* that is not the one that its authors made"):
        uv.fetch(host.index)
    assert os.listdir(host.folder) == []


@pytest.mark.slow
def test_the_run_of_another_app_may_be_quicker(host, monkeypatch):
    monkeypatch.setattr(uv, "HASHES", (hashlib.sha256(host.wheel.read_bytes()).hexdigest(),))
    sync = files.sync_tree

    def overtaken(stage):
        sync(stage)
        (host.folder / f"uv-{uv.VERSION}/bin").mkdir(parents=True)

    monkeypatch.setattr(files, "sync_tree", overtaken)
    uv.fetch(host.index)
    assert os.listdir(host.folder) == [f"uv-{uv.VERSION}"]


def test_a_host_without_pip(index, tmp_path, monkeypatch):
    monkeypatch.setattr(uv, "_PIP_WHEELS", f"{tmp_path}/pip-*.whl")
    monkeypatch.setattr(uv, "FOLDER", f"{tmp_path}/tools")
    with pytest.raises(uv.UvError, match="Debian's package python3-pip-whl is missing: install it"):
        uv.fetch(index())


@pytest.mark.parametrize(
    ("netrc", "known"),
    [
        ("machine a.example login me password pw\n", {"https://a.example/simple": ("me", "pw")}),
        ("machine b.example login me password pw\n", {}),
        (None, {}),
    ],
)
def test_a_password_may_be_in_netrc(index, tmp_path, write, netrc, known):
    if netrc:
        write(tmp_path, {".netrc": netrc})
        (tmp_path / ".netrc").chmod(0o600)
    assert index(url="https://a.example/simple").passwords() == known


def test_a_netrc_that_is_none_is_named(index, tmp_path, write):
    write(tmp_path, {".netrc": "nonsense\n"})
    with pytest.raises(
        uv.UvError, match=r"/\.netrc on the host, where a password of the index may be, can't be read: "
    ):
        index(url="https://a.example/simple").passwords()


@pytest.mark.parametrize(
    ("said", "helps"),
    [
        ("Because pkg-resources was not found in the package registry and you require", "take that line out"),
        ("error: Distribution not found at: file:///C:/b/abs/work", "have `pip list --format=freeze` write it"),
        (
            "Because pywin32==306 has no wheels with a matching platform tag (e.g., `manylinux_2_36_x86_64`)",
            "; sys_platform == 'win32'",
        ),
        (
            "error: Failed to build `psycopg2==2.9`\n  error: command 'gcc' failed: No such file or directory",
            "gunicorn_packages: [build-essential, libpq-dev, python3-dev]",
        ),
    ],
)
def test_what_people_meet_often_has_its_remedy(index, said, helps):
    def run(_argv, **_how):
        return shell.Done([], 2, "", said)

    with pytest.raises(uv.UvError) as caught:
        uv.Uv(index(), run).install("python", ["--requirement=requirements.txt"], "gunicorn_requirements_file", None)
    assert str(caught.value).startswith(f"gunicorn_requirements_file: the virtual environment can't be built: {said}\n")
    assert helps in str(caught.value).splitlines()[-1]


@pytest.mark.parametrize(
    ("stdout", "stderr", "refused"),
    [
        pytest.param(
            "*** Error compiling 'old.py'", "old.py:1: SyntaxWarning: invalid escape sequence", False, id="a file"
        ),
        pytest.param(
            "",
            "Traceback (most recent call last)\nPermissionError: [Errno 13] Permission denied",
            True,
            id="everything",
        ),
    ],
)
def test_packages_that_nobody_could_compile_are_not_left_to_each_start(index, stdout, stderr, refused):
    def run(argv, **_options):
        return shell.Done(argv, 1, stdout, stderr)

    compiled = uv.Uv(index(), run).compile
    with pytest.raises(uv.UvError, match="can't be compiled: PermissionError") if refused else contextlib.nullcontext():
        compiled("/srv/shop/venvs/1")
