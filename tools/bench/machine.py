"""What was measured on, so that others can compare."""

import os
import pathlib
import platform
import re

from tools.shell import run


def machine():
    """Return processor, number of CPUs, memory, load and versions in a line."""
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    core = re.search(r"core ([\d.]+)", run("ansible-playbook", "--version"))
    return ", ".join(
        [
            f"{os.cpu_count()} CPUs ({model[1] if model else platform.machine()})",
            f"{memory:.0f} GiB",
            f"load {os.getloadavg()[2]:.1f}",
            f"ansible-core {core[1] if core else '?'} on Python {platform.python_version()}",
            "Debian 12 in containers",
        ]
    )
