"""The two servers that are compared, and how much time and work a playbook takes that is played on them."""

import contextlib
import dataclasses
import json
import os
import re
import subprocess
import tempfile
import time

from tools.checks import LOGS, PLAIN
from tools.engine import docker
from tools.shell import PROJECT, ROOT, Failure, run, step
from tools.tests import remove_servers

BENCH = ROOT / "bench"
INVENTORY = BENCH / "inventory.yml"
NAMES = ("ours", "usual")


@dataclasses.dataclass(frozen=True)
class Spent:
    """What a playbook took: seconds by the clock, seconds of the controller's CPUs, and how many tasks changed something."""

    wall: float
    cpu: float
    changed: int


class Servers:
    """The servers `ours` and `usual`, in containers that go with this."""

    def __init__(self):
        self._aside = 0

    def __enter__(self):
        """Have none yet."""
        remove_servers("bench")
        return self

    def __exit__(self, *_error):
        """Remove them."""
        with contextlib.suppress(Failure):
            remove_servers("bench")

    def renew(self, *names):
        """Start these anew, or both, with a repository of the example project."""
        names = names or NAMES
        with step(f"start plain servers: {', '.join(names)}"), tempfile.TemporaryDirectory() as folder:
            self._put_aside(names)
            self._run(ROOT / "molecule" / "shared" / "create.yml", limit=names)
            run("sh", BENCH / "project.sh", ROOT / "examples" / "django", f"{folder}/project.git")
            for name in names:
                docker("cp", f"{folder}/project.git", f"{self.container(name)}:/opt/")

    def _put_aside(self, names):
        """Stop what there is of these, and keep it to the end: files that are removed slow down whoever writes next."""
        self._aside += 1
        there = docker("ps", "--format={{.Names}}").split()
        for container in {self.container(name) for name in names} & set(there):
            docker("kill", container)
            docker("rename", container, f"{container}-{self._aside}")

    def container(self, name):
        """Return the name of a server's container; the inventory says the same in its own words."""
        return f"pyweb-stack-bench-{name}-{PROJECT}"

    def exec(self, name, *argv, timeout=600):
        """Run a command on a server and return its output."""
        return docker("exec", self.container(name), *argv, timeout=timeout)

    def play(self, playbook, **variables):
        """Play a playbook and return what it took."""
        begun, before = time.monotonic(), os.times()
        output = self._run(playbook, variables)
        after = os.times()
        cpu = sum(getattr(after, each) - getattr(before, each) for each in ("children_user", "children_system"))
        changed = sum(map(int, re.findall(r"changed=(\d+)", output)))
        return Spent(time.monotonic() - begun, cpu, changed)

    def play_all(self, plays):
        """Play several as one playbook, each a path with its variables, and return what they took."""
        with tempfile.NamedTemporaryFile("w", suffix=".json", dir=BENCH) as file:
            json.dump([{"import_playbook": str(path), "vars": variables} for path, variables in plays], file)
            file.flush()
            return self.play(file.name)

    def _run(self, playbook, variables=None, limit=NAMES):
        given = f"--extra-vars={json.dumps(variables or {})}"
        done = subprocess.run(
            ["ansible-playbook", f"--inventory={INVENTORY}", f"--limit={','.join(limit)}", given, str(playbook)],
            cwd=ROOT,
            env={**os.environ, **PLAIN},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=1800,
            check=False,
        )
        LOGS.mkdir(parents=True, exist_ok=True)
        with open(LOGS / "bench.log", "a", encoding="utf-8") as log:
            log.write(done.stdout)
        if done.returncode:
            raise Failure(f"{done.stdout}\n{playbook}: exit code {done.returncode}")
        return done.stdout
