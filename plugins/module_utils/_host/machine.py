# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kind of host this is, and what it has. Private to the collection."""

from __future__ import annotations

import dataclasses
import os
import re
import socket

from ansible_collections.pyweb.stack.plugins.module_utils._host import shell

# Where systemd says what kind of container this is, if it is one.
_CONTAINER = "/run/systemd/container"
# What systemd ends a service with that it can't shut in (systemd.exec(5), "Process Exit Codes").
_NAMESPACE = 226
_RELEASE = ("/etc/os-release", "/usr/lib/os-release")


@dataclasses.dataclass(frozen=True)
class System:
    """The distribution of a host, by os-release(5): `id` and those that it is `like`, its `version`, its `name` for people."""

    id: str
    like: tuple[str, ...]
    version: str
    name: str


def system(paths: tuple[str, ...] = _RELEASE) -> System:
    """Return the distribution of this host; each part is empty where nothing says it."""
    found = {}
    for path in paths:
        if os.path.exists(path):
            with open(path, encoding="utf-8", errors="replace") as file:
                found = dict(re.findall(r"""^(\w+)=["']?(.*?)["']?\s*$""", file.read(), re.MULTILINE))
            break
    like = tuple(found.get("ID_LIKE", "").split())
    return System(found.get("ID", ""), like, found.get("VERSION_ID", ""), found.get("PRETTY_NAME", "an unknown system"))


def cpus() -> int:
    """Return how many CPUs the host has."""
    return os.cpu_count() or 1


def has_ipv6() -> bool:
    """Return whether a server here can listen for IPv6, be there addresses or not: a kernel may be without it."""
    try:
        with socket.socket(socket.AF_INET6) as server:
            server.bind(("::", 0))
    except OSError:
        return False
    return True


def runs_systemd() -> bool:
    """Return whether systemd is what booted this host; see sd_booted(3)."""
    return os.path.isdir("/run/systemd/system")


def can_sandbox(container: str = _CONTAINER) -> bool:
    """Return whether systemd can give a service its own view of the files here, as not each container lets it."""
    if not os.path.exists(container):
        return True
    argv = [
        "systemd-run",
        "--quiet",
        "--wait",
        "--collect",
        "--property=ProtectSystem=strict",
        "--property=PrivateTmp=yes",
    ]
    tried = shell.run([*argv, "true"], identity=shell.CALLER, sandbox=None, seconds=60)
    return tried.returncode != _NAMESPACE


def knows_packages(lists: str = "/var/lib/apt/lists") -> bool:
    """Return whether apt has lists of packages; an image for containers is often without, however young the folder is."""
    return os.path.isdir(lists) and any("_Packages" in name for name in os.listdir(lists))


def unknown_packages(packages: list[str]) -> list[str]:
    """Return those of some Debian packages of which apt has never heard, though it has lists of packages."""
    if not knows_packages():
        return []
    return [name for name in packages if not _known(name.partition("=")[0])]


def _known(package: str) -> bool:
    # Of a name that no package has or provides it says nothing.
    asked = shell.run(["apt-cache", "policy", "--", package], identity=shell.CALLER, sandbox=None, seconds=60)
    return bool(asked.returncode or asked.stdout.strip())


def memory(path: str = "/proc/meminfo") -> tuple[int, int]:
    """Return how many MiB of memory the host has, and how many nobody uses but for caches."""
    with open(path, encoding="ascii") as file:
        sizes = {name: int(size) for name, size in re.findall(r"^(\w+):\s+(\d+) kB$", file.read(), re.MULTILINE)}
    free = sum(sizes.get(name, 0) for name in ("MemFree", "Buffers", "Cached"))
    return sizes["MemTotal"] >> 10, free >> 10


def not_installed(packages: list[str]) -> list[str]:
    """Return those of some Debian packages that dpkg doesn't know to be installed.

    Of what isn't a package's plain name, such as one with a version, dpkg knows nothing.
    """
    if not packages:
        return []
    argv = ["dpkg-query", "--show", "--showformat=${db:Status-Status} ${Package}\\n", "--", *packages]
    asked = shell.run(argv, identity=shell.CALLER, sandbox=None, seconds=60)
    there = {line.removeprefix("installed ") for line in asked.stdout.splitlines()}
    return [name for name in packages if name not in there]
