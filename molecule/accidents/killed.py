"""Deploys, kills Ansible and all that it has running on the server while a task is at work, and deploys again.

    killed.py CONTAINER PLACES COMMAND…

COMMAND plays site.yml and takes more arguments. PLACES says at which of its tasks it is killed: a list such as 3,17,24,
counted from 1 by those that do something on the server, or `all`. What is told goes to stdout, a line for each place.
"""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time

# Runs on the server and ends what came from outside, which has no parent there, with all that it has started.
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
VISIT = """
import urllib.request
with urllib.request.urlopen("http://127.0.0.1/", timeout=20) as answer:
    print(answer.headers["x-edition"], answer.headers["x-turn"])
"""
TASK = re.compile(r"TASK \[(.*)\] \**")


def deploy(command, turn):
    """Start a deploy whose output can be followed."""
    argv = [*command, f"--extra-vars={json.dumps({'turn': turn})}"]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finished(command, turn):
    """Deploy; return the tasks that did something on the server, by their place among all."""
    output = (run := deploy(command, turn)).communicate()[0]
    if run.returncode:
        sys.exit(f"turn {turn}, undisturbed, failed:\n{output}")
    tasks = TASK.split(output)[1:]
    return {
        place: name
        for place, (name, said) in enumerate(zip(tasks[::2], tasks[1::2], strict=True), 1)
        if re.search(r"^(ok|changed): \[\w+\]$", said, re.MULTILINE)
    }


def family(pid):
    """Return a process of this machine and all that descend from it; Ansible's workers leave its session."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = dict(map(int, line.split()) for line in listed.splitlines())
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def killed(container, command, turn, place):
    """Deploy, but only until a moment after that task has begun."""
    run, begun = deploy(command, turn), 0
    for line in run.stdout:
        begun += bool(TASK.match(line))
        if begun == place:
            break
    else:
        sys.exit(f"turn {turn} had no task {place}")
    time.sleep(random.uniform(0, 1))
    for pid in family(run.pid):
        os.kill(pid, signal.SIGKILL)
    inside(container, "python3", "-", stdin=STRIKE)
    run.stdout.close()
    return run.wait()


def inside(container, *argv, stdin=""):
    """Run a command on the server; return what it says."""
    command = ["docker", "exec", "--interactive", container, *argv]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=True).stdout


def edition(container):
    """Return which turn's code, and which turn's site, a visitor meets."""
    return inside(container, "python3", "-", stdin=VISIT).split()


def main():
    """Kill at every place, and look what that left."""
    container, places, *command = sys.argv[1:]
    tasks = finished(command, 1)
    chosen = list(tasks) if places == "all" else [list(tasks)[int(place) - 1] for place in places.split(",")]
    for turn, place in enumerate(chosen, 2):
        code = killed(container, command, turn, place)
        left = edition(container)
        if code != -signal.SIGKILL or not set(left) <= {str(turn - 1), str(turn)}:
            sys.exit(f"killed with {code} at {tasks[place]}: turn {turn} left {left}")
        finished(command, turn)
        if edition(container) != [str(turn)] * 2:
            sys.exit(f"killed at {tasks[place]}, and run again: turn {turn} is not served")
        print(f"{tasks[place]}: visitors met {left} of turn {turn}, after another run all of it")


if __name__ == "__main__":
    main()
