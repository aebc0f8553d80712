"""A server in a container, and deploys on it that can be followed, stopped and killed."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time

# In seconds, ten times what a deploy takes on a busy machine.
PATIENCE = 600
TASK = re.compile(r"TASK \[(?:.* : )?(.*)\] \**")
# Of what runs on the server: end what came from outside, which has no parent there, and what that has started; all of it,
# or the modules without what they have started, or that alone. First it waits some seconds for it to come, lets so many go
# by, and waits again where there is none then. Prints what was ended: nothing, where none came.
STRIKE = """
import contextlib, os, pathlib, signal, sys, time

def family():
    parents, names = {}, {}
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            names[int(path.name)] = (path / "cmdline").read_text().replace("\\0", " ")[:60].strip()
    levels = [{pid for pid, parent in parents.items() if parent == 0 and pid not in (1, os.getpid())}]
    while levels[-1]:
        levels.append({pid for pid, parent in parents.items() if parent in levels[-1]})
    # A module is below two shells.
    ours, begun = set().union(*levels[:3]), set().union(*levels[3:])
    return {pid: names[pid] for pid in {"modules": ours, "started": begun}.get(sys.argv[1], ours | begun)}

def awaited():
    end = time.monotonic() + wait
    while not (found := family()) and time.monotonic() < end:
        time.sleep(0.002)
    return found

wait, after = map(float, sys.argv[2:])
awaited()
time.sleep(after)
struck = awaited()
for pid in struck:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
print(*struck.values(), sep="; ")
"""
# Meet the code and the site, by the name that the site has.
VISIT = """
import sys, urllib.request
asked = urllib.request.Request("http://127.0.0.1/", headers={"Host": sys.argv[1]})
with urllib.request.urlopen(asked, timeout=20) as answer:
    print(answer.headers["x-edition"], answer.headers["x-turn"])
"""


class Server:
    """The server in a container, and the deploys on it, each of another turn."""

    def __init__(self, container, command):
        self._container = container
        self._command = command
        self.turn = int(self.edition()[0])

    def edition(self, host="localhost"):
        """Return which turn's code, and which turn's site, a visitor meets."""
        return self.run(VISIT, host).split()

    def run(self, program, *arguments):
        """Run a program in Python on the server; return what it says."""
        command = ["docker", "exec", "--interactive", self._container, "python3", "-", *arguments]
        return subprocess.run(command, input=program, capture_output=True, text=True, check=True, timeout=300).stdout

    def deploy(self):
        """Start a deploy of the next turn."""
        self.turn += 1
        return self.play(turn=self.turn)

    def play(self, playbook="", **variables):
        """Start a run of a playbook, by default of the one that deploys, with these variables beside what is given to all."""
        *command, usual = self._command
        return Deploy([*command, playbook or usual, f"--extra-vars={json.dumps(variables)}"])

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
        # In memory, as a pipe would have an end only with the last of those that have it.
        self._output = os.memfd_create("said")
        self._process = subprocess.Popen(argv, stdout=self._output, stderr=subprocess.STDOUT)

    def reach(self, *, task="", place=0):
        """Wait until a task begins, by its name or its place among all; return its name."""
        going = True
        while going:
            going = self._process.poll() is None
            for number, name in enumerate(TASK.findall(self._said()), 1):
                if name == task or number == place:
                    return name
            time.sleep(0.02)
        sys.exit(f"it never came to task {task or place}:\n{self._said()}")

    def signal(self, number):
        """Send a signal to it and all that it has started."""
        stopped = set()
        while more := family(self._process.pid) - stopped:
            for pid in more:
                send(pid, signal.SIGSTOP)
            stopped |= more
        for pid in stopped:
            send(pid, number)

    def end(self):
        """Wait for its end; return its code and all that it said."""
        try:
            code = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            sys.exit(f"it had no end after {PATIENCE} s:\n{self._said()}")
        said = self._said()
        check(f"nothing is said that is for developers:\n{said}", "Traceback (most" not in said)
        return code, said

    def _said(self):
        return os.pread(self._output, 2**24, 0).decode(errors="replace")

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


def send(pid, number):
    """Send a signal to a process of this machine, if it is still there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def family(pid):
    """Return a process of this machine and all that descend from it; Ansible's workers leave its session."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = dict(map(int, line.split()) for line in listed.splitlines())
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def check(claim, truth):
    """End with the claim if it isn't true."""
    if not truth:
        sys.exit(f"not so: {claim}")
