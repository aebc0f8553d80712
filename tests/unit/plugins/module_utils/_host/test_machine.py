# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host says of itself."""

from __future__ import annotations

import errno
import os
import pathlib

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._host import machine

DEBIAN = """PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
ID=debian
"""
UBUNTU = """PRETTY_NAME='Ubuntu 24.04 LTS'
VERSION_ID='24.04'
ID=ubuntu
ID_LIKE="debian other"
"""


@pytest.mark.parametrize(
    ("text", "system"),
    [
        (DEBIAN, machine.System("debian", (), "12", "Debian GNU/Linux 12 (bookworm)")),
        (UBUNTU, machine.System("ubuntu", ("debian", "other"), "24.04", "Ubuntu 24.04 LTS")),
        ("# nothing\n", machine.System("", (), "", "an unknown system")),
    ],
)
def test_the_distribution_is_what_os_release_says(tmp_path, text, system):
    (tmp_path / "os-release").write_text(text, encoding="utf-8")
    assert machine.system((str(tmp_path / "not-there"), str(tmp_path / "os-release"))) == system


def test_memory_is_free_that_holds_caches_alone(tmp_path):
    path = tmp_path / "meminfo"
    path.write_text(
        "MemTotal: 8388608 kB\nMemFree:  1048576 kB\nBuffers: 1024 kB\nCached: 2048 kB\nHugePages_Free: 7\n"
    )
    assert machine.memory(str(path)) == (8192, 1027)


@pytest.fixture
def dpkg(tmp_path, monkeypatch):
    """Put a dpkg-query on the path that says so and notes what it was asked; return the file of its notes."""

    def dpkg(said: str) -> pathlib.Path:
        program, asked = tmp_path / "dpkg-query", tmp_path / "asked"
        program.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > {asked}\nprintf '{said}'\nexit 1\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        return asked

    return dpkg


def test_packages_are_missing_that_dpkg_does_not_know_to_be_installed(dpkg):
    """One that was removed is known still, and of names with a version dpkg knows nothing."""
    asked = dpkg("installed git\\nconfig-files nginx\\ninstalled python3\\n")
    assert machine.not_installed(["git", "nginx", "git=1", "absent"]) == ["nginx", "git=1", "absent"]
    assert asked.read_text().splitlines()[-4:] == ["git", "nginx", "git=1", "absent"]


def test_nobody_is_asked_for_no_packages(dpkg):
    asked = dpkg("")
    assert machine.not_installed([]) == []
    assert not asked.exists()


@pytest.mark.parametrize(
    ("container", "status", "able"), [(False, 226, True), (True, 226, False), (True, 0, True), (True, 1, True)]
)
def test_a_container_may_not_let_systemd_shut_a_service_in(tmp_path, monkeypatch, container, status, able):
    (tmp_path / "systemd-run").write_text(f"#!/bin/sh\nexit {status}\n")
    (tmp_path / "systemd-run").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    said = tmp_path / "container"
    if container:
        said.write_text("lxc\n")
    assert machine.can_sandbox(str(said)) is able


def test_a_host_without_lists_knows_no_packages(tmp_path):
    lists = tmp_path / "lists"
    assert machine.knows_packages(str(lists)) is False
    (lists / "partial").mkdir(parents=True)
    assert machine.knows_packages(str(lists)) is False
    (lists / "deb.debian.org_debian_dists_trixie_main_binary-amd64_Packages.lz4").touch()
    assert machine.knows_packages(str(lists)) is True


def test_a_package_of_which_apt_never_heard(tmp_path, monkeypatch):
    (tmp_path / "apt-cache").write_text('#!/bin/sh\n[ "$3" = libpq55 ] || printf "%s:\\n" "$3"\n')
    (tmp_path / "apt-cache").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    wanted = ["libpq5", "libpq55", "libpq5=15.14-0+deb12u1", "libpq55=1"]
    for lists, unknown in ((True, ["libpq55", "libpq55=1"]), (False, [])):
        monkeypatch.setattr(machine, "knows_packages", lambda lists=lists: lists)
        assert machine.unknown_packages(wanted) == unknown


def test_a_kernel_may_be_without_ipv6(monkeypatch):
    def refuse(*_arguments):
        raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")

    monkeypatch.setattr(machine.socket, "socket", refuse)
    assert not machine.has_ipv6()


def test_a_host_that_says_nowhere_what_it_is(tmp_path):
    assert machine.system((f"{tmp_path}/nowhere",)) == machine.System("", (), "", "an unknown system")
