# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a TCP address is free, and who has it. Private to the collection."""

from __future__ import annotations

import errno
import glob
import json
import os
import socket
import struct

from ansible_collections.pyweb.stack.plugins.module_utils._host import systemd

_LISTENS = "0A"


def fault(address: str) -> str | None:
    """Return why nobody could listen on `address` (`127.0.0.1:9999`, `[::1]:9999`) now, or None."""
    host, _colon, port = address.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # As systemd and nginx do: connections that end don't count, nor do those of the other family.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((host.strip("[]"), int(port)))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return f"{_holder(host.strip('[]'), int(port))} listens there already"
        return f"this host can't listen there ({error.strerror})"
    return None


def has_listener(address: str) -> bool:
    """Say whether somebody listens on `address`, by itself or among all others."""
    host, _colon, port = address.rpartition(":")
    own = _hex(host.strip("[]"))
    return bool(_inodes(int(port), {own, "0" * len(own), "0" * 32}))


def listens(pid: str, address: str) -> bool:
    """Say whether a process listens on `address` already, and not on another one that only covers it."""
    host, _colon, port = address.rpartition(":")
    own = _inodes(int(port), {_hex(host.strip("[]"))})
    return any(_target(path) in own for path in glob.glob(f"/proc/{pid}/fd/*"))


def _holder(host: str, port: int) -> str:
    """Name who listens: a socket unit, a service, or a process of neither."""
    own, every = _hex(host), {"0" * 8, "0" * 32}
    # Whoever has one address is in the way of all of them.
    inodes = _inodes(port, None if own in every else {own, *every})
    pids = sorted({int(path.split("/")[2]) for path in glob.glob("/proc/[0-9]*/fd/*") if _target(path) in inodes})
    if 1 in pids:
        listed = systemd.ctl("list-sockets", "--all", "--output=json").stdout
        units = [row["unit"] for row in json.loads(listed or "[]") if row["listen"].endswith(f":{port}")]
        return " or ".join(sorted(units)) or "systemd"
    return _process(pids[0]) if pids else "somebody"


def _hex(host: str) -> str:
    """Return an address as the kernel's tables have it: in words of the processor's own order."""
    raw = socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
    return "".join(f"{word:08X}" for word in struct.unpack(f"={len(raw) // 4}I", raw))


def _inodes(port: int, hosts: set[str] | None) -> set[str]:
    """Return what the kernel calls the sockets that listen on that port of these addresses, or of any."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if os.path.exists(table):
            with open(table, encoding="ascii") as rows:
                fields = [row.split() for row in rows]
            for row in fields:
                host, _colon, end = row[1].partition(":")
                if end == f"{port:04X}" and row[3] == _LISTENS and (hosts is None or host in hosts):
                    found.add(f"socket:[{row[9]}]")
    return found


def _target(link: str) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""


def _process(pid: int) -> str:
    with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
        name = file.read().strip()
    with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
        units = {os.path.basename(line.strip()) for line in file}
    services = sorted(unit for unit in units if unit.endswith(".service"))
    return f"the process {name} ({', '.join([str(pid), *services])})"
