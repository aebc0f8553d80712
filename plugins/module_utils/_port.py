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

from ansible_collections.pyweb.stack.plugins.module_utils import _command

_LISTENS = "0A"


def fault(address: str) -> str | None:
    """Return why nobody could listen on I(address) (C(127.0.0.1:9999), C([::1]:9999)) now, or None."""
    host, _colon, port = address.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # As systemd does: connections that end don't count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host.strip("[]"), int(port)))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return f"{_holder(host.strip('[]'), int(port), family)} listens there already"
        return f"this host can't listen there ({error.strerror})"
    return None


def _holder(host: str, port: int, family: int) -> str:
    """Name who listens: a socket unit, a service, or a process of neither."""
    inodes = _inodes(host, port, family)
    pids = sorted({int(path.split("/")[2]) for path in glob.glob("/proc/[0-9]*/fd/*") if _target(path) in inodes})
    if 1 in pids:
        listed = _command.run(["systemctl", "list-sockets", "--all", "--output=json"]).stdout
        units = [row["unit"] for row in json.loads(listed or "[]") if row["listen"].endswith(f":{port}")]
        return " or ".join(sorted(units)) or "systemd"
    return _process(pids[0]) if pids else "somebody"


def _inodes(host: str, port: int, family: int) -> set[str]:
    """Return what the kernel calls the sockets that listen on this address, or on all addresses."""
    raw = socket.inet_pton(family, host)
    # In words of the processor's own order.
    own = "".join(f"{word:08X}" for word in struct.unpack(f"={len(raw) // 4}I", raw))
    addresses = {f"{each}:{port:04X}" for each in (own, "0" * 8, "0" * 32)}
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if os.path.exists(table):
            with open(table, encoding="ascii") as rows:
                fields = [row.split() for row in rows]
            found |= {f"socket:[{row[9]}]" for row in fields if row[1] in addresses and row[3] == _LISTENS}
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
