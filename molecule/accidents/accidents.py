"""Accidents that happen to deploys, and that another deploy comes out right after each.

    accidents.py CONTAINER killed TASKS COMMAND…      Ansible and what it has running on the server, at a task
    accidents.py CONTAINER overtaken COMMAND…         a deploy is begun and ended while another sleeps
    accidents.py CONTAINER locked COMMAND…            one waits for another, which then dies with the lock in its hands
    accidents.py CONTAINER rebooted COMMAND…          the server, as by a power cut, while a release is proved

COMMAND plays site.yml and takes more arguments. TASKS says at which of its tasks it is killed: their names with semicolons
between them, or `all` that do something on the server. What is told goes to stdout.
"""

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time

BUILT, SWITCH = (
    "Report how many workers the release has, and what was found for it",
    "Prove the release and switch to it",
)
TASK = re.compile(r"TASK \[(?:.* : )?(.*)\] \**")
# What runs on the server: end what came from outside, which has no parent there, with all that it has started.
STRIKE = """
import contextlib, os, pathlib, signal
parents = {}
for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
    with contextlib.suppress(OSError):
        parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
ours = {pid for pid, parent in parents.items() if parent == 0 and pid not in (1, os.getpid())}
while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
    ours |= more
for pid in ours:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
"""
# Stop the process that has the lock for a switch; return when another stands before the lock.
FREEZE = """
import os, pathlib, re, signal, time
said = None
while not said or not os.path.exists(f"/proc/{said[1]}"):
    said = re.match(r"process (\\d+), switching", pathlib.Path("/srv/shop/lock").read_text())
os.kill(int(said[1]), signal.SIGSTOP)
print(said[1])
"""
QUEUE = """
import os, pathlib, time
def at_the_lock(process):
    try:
        return any(os.path.realpath(each) == "/srv/shop/lock" for each in (process / "fd").iterdir())
    except OSError:
        return False
while len([each for each in pathlib.Path("/proc").glob("[0-9]*") if at_the_lock(each)]) < 2:
    time.sleep(0.05)
print(open("/srv/shop/lock").read())
"""
# Return when a release is there beside the active one, or when the server has booted.
BESIDE = """
import os
while len(os.listdir("/run/gunicorn-shop")) < 2:
    pass
"""
BOOTED = """
import subprocess, time
state = ["systemctl", "is-system-running"]
while subprocess.run(state, capture_output=True, text=True).stdout.strip() not in ("running", "degraded"):
    time.sleep(0.1)
"""
# Meet the code and the site.
VISIT = """
import urllib.request
with urllib.request.urlopen("http://127.0.0.1/", timeout=20) as answer:
    print(answer.headers["x-edition"], answer.headers["x-turn"])
"""


class Server:
    """The server in a container, and the deploys on it, each of another turn."""

    def __init__(self, container, command):
        self._container = container
        self._command = command
        self.turn = int(self.edition()[0])

    def edition(self):
        """Return which turn's code, and which turn's site, a visitor meets."""
        return self.run(VISIT).split()

    def run(self, program):
        """Run a program in Python on the server; return what it says."""
        command = ["docker", "exec", "--interactive", self._container, "python3", "-"]
        return subprocess.run(command, input=program, capture_output=True, text=True, check=True, timeout=300).stdout

    def deploy(self):
        """Start a deploy of the next turn."""
        self.turn += 1
        return Deploy([*self._command, f"--extra-vars={json.dumps({'turn': self.turn})}"])

    def served(self, deploy, turn=None):
        """See that this deploy ends well, and that all of its turn, by default the last, is served; return its tasks."""
        tasks = deploy.done()
        turn = str(turn or self.turn)
        check(f"turn {turn} is served", self.edition() == [turn, turn])
        return tasks

    def reboot(self):
        """Take the power away and give it back."""
        for action in ("kill", "start"):
            subprocess.run(["docker", action, self._container], check=True, stdout=subprocess.DEVNULL)


class Deploy:
    """A run of Ansible that can be followed, stopped and killed."""

    def __init__(self, argv):
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._said = ""

    def reach(self, *, task="", place=0):
        """Read until a task begins, by its name or its place among all; return its name."""
        begun = 0
        for line in self._process.stdout:
            self._said += line
            if match := TASK.match(line):
                begun += 1
                if match[1] == task or begun == place:
                    return match[1]
        sys.exit(f"it never came to task {task or place}:\n{self._said}")

    def signal(self, number):
        """Send a signal to it and all that it has started."""
        for pid in family(self._process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def end(self):
        """Wait for its end; return its code and all that it said."""
        self._said += self._process.stdout.read()
        return self._process.wait(), self._said

    def done(self):
        """See that it ends well; return the names of the tasks that did something on the server, by place among all."""
        code, said = self.end()
        check(f"it ended well, but said:\n{said}", code == 0)
        tasks = TASK.split(said)[1:]
        return {
            place: name
            for place, (name, result) in enumerate(zip(tasks[::2], tasks[1::2], strict=True), 1)
            if re.search(r"^(ok|changed): \[\w+\]$", result, re.MULTILINE)
        }


def family(pid):
    """Return a process of this machine and all that descend from it; Ansible's workers leave its session."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = dict(map(int, line.split()) for line in listed.splitlines())
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def killed(server, names):
    """Kill deploys, each at another task, and deploy again."""
    tasks = server.served(server.deploy())
    chosen = [place for place, name in tasks.items() if names == "all" or name in names.split("; ")]
    check(f"{names} are among {list(tasks.values())}", names == "all" or len(chosen) == len(names.split("; ")))
    for place in chosen:
        deploy = server.deploy()
        name = deploy.reach(place=place)
        time.sleep(random.uniform(0, 1))
        deploy.signal(signal.SIGKILL)
        server.run(STRIKE)
        deploy.end()
        left = server.edition()
        check(f"{left} is of turns {server.turn - 1} and {server.turn}", {server.turn - int(n) for n in left} <= {0, 1})
        server.turn -= 1
        server.served(server.deploy())
        print(f"{name}: visitors met {left} of turn {server.turn}, after another run all of it")


def overtaken(server):
    """Stop a deploy that has its release, let another one come and go, and see that the first then stays behind."""
    first = server.deploy()
    first.reach(task=BUILT)
    first.signal(signal.SIGSTOP)
    server.served(server.deploy())
    first.signal(signal.SIGCONT)
    code, said = first.end()
    check(f"it refuses, but said:\n{said}", code and "became active during this run" in said)
    check("the later one serves", server.edition() == [str(server.turn)] * 2)
    print("the first of two deploys was refused, since the second was quicker")


def locked(server):
    """Freeze a deploy that has the lock, see another wait, and kill the first."""
    first = server.deploy()
    holder = server.run(FREEZE).strip()
    second = server.deploy()
    held = server.run(QUEUE)
    check(f"{holder} has the lock still, not {held}", held.startswith(f"process {holder}, switching its release"))
    server.run(f"import os; os.kill({holder}, 9)")
    check("the first failed", first.end()[0])
    server.served(second)
    print("the second of two deploys waited for the first, and went on when that had died")


def rebooted(server):
    """Take the power away while a release is proved."""
    deploy = server.deploy()
    deploy.reach(task=SWITCH)
    server.run(BESIDE)
    server.reboot()
    deploy.end()
    server.run(BOOTED)
    left = server.edition()
    check("one of the two is served", left[0] in (str(server.turn - 1), str(server.turn)))
    running = server.run("import os; print(*os.listdir('/run/gunicorn-shop'))").split()
    check(f"only one of them runs, not {running}", len(running) == 1)
    server.turn -= 1
    server.served(server.deploy())
    print(f"after a power cut visitors met {left} of turn {server.turn}, after another run all of it")


def check(claim, truth):
    """End with the claim if it isn't true."""
    if not truth:
        sys.exit(f"not so: {claim}")


def main():
    """Have one of the accidents happen."""
    container, accident, *command = sys.argv[1:]
    given = [command.pop(0)] if accident == "killed" else []
    {"killed": killed, "overtaken": overtaken, "locked": locked, "rebooted": rebooted}[accident](
        Server(container, command), *given
    )


if __name__ == "__main__":
    main()
