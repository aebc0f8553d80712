"""Accidents that happen to deploys, and that another deploy comes out right after each.

    accidents.py CONTAINER killed TASKS COMMAND…      Ansible and what it has running on the server, at a task
    accidents.py CONTAINER overtaken COMMAND…         a deploy is begun and ended while another sleeps
    accidents.py CONTAINER locked COMMAND…            one waits for another, which then dies with the lock in its hands
    accidents.py CONTAINER rebooted COMMAND…          the server, as by a power cut, while a release is proved
    accidents.py CONTAINER moments TIMES COMMAND…     so many runs of every kind, each killed at a moment drawn by lot
    accidents.py CONTAINER together COMMAND…          three runs of one app begin at once
    accidents.py CONTAINER hands COMMAND…             somebody removes a part of the app, or has another in its place

COMMAND plays site.yml and takes more arguments. TASKS says at which of its tasks it is killed: their names with semicolons
between them, or `all` that do something on the server. What is told goes to stdout.
"""

import concurrent.futures
import random
import signal
import sys
import time

from deploys import STRIKE, Server, check
from hands import hands
from moments import moments, together

BUILT = "Report how many workers the release has, and what was found for it"
# Stop the process that has the lock for a switch; return when another stands before the lock.
FREEZE = """
import os, pathlib, re, signal, time
said = None
while not said or not os.path.exists(f"/proc/{said[1]}"):
    time.sleep(0.002)
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
# Return when a release comes beside the active one, or when the server has booted.
BESIDE = """
import os, time
end = time.monotonic() + 200
for number in (1, 2):
    while len(os.listdir("/run/gunicorn-shop")) != number:
        if time.monotonic() > end:
            raise SystemExit(f"there were never {number} releases")
        time.sleep(0.01)
"""
BOOTED = """
import subprocess, time
state = ["systemctl", "is-system-running"]
while subprocess.run(state, capture_output=True, text=True).stdout.strip() not in ("running", "degraded"):
    time.sleep(0.1)
"""


def killed(server, names):
    """Kill deploys, each at another task, and deploy again."""
    chosen = [{"task": name} for name in names.split("; ")]
    if names == "all":
        chosen = [{"place": place} for place in server.served(server.deploy())]
    for which in chosen:
        deploy = server.deploy()
        name = deploy.reach(**which)
        time.sleep(random.uniform(0, 1))
        deploy.signal(signal.SIGKILL)
        server.run(STRIKE, "all", "0", "0")
        deploy.end()
        left = server.edition()
        check(f"{left} is of turns {server.turn - 1} and {server.turn}", {server.turn - int(n) for n in left} <= {0, 1})
        server.turn -= 1
        tasks = server.served(server.deploy()).values()
        check(f"{name} does something on the server, as {list(tasks)} do", name in tasks)
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
    with concurrent.futures.ThreadPoolExecutor() as pool:
        # It looks before there is anything to see, as that is there for a second or two.
        beside = pool.submit(server.run, BESIDE)
        deploy = server.deploy()
        beside.result()
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


def main():
    """Have one of the accidents happen."""
    container, accident, *command = sys.argv[1:]
    given = [command.pop(0)] if accident in ("killed", "moments") else []
    happens = {each.__name__: each for each in (killed, overtaken, locked, rebooted, moments, together, hands)}
    happens[accident](Server(container, command), *given)


if __name__ == "__main__":
    main()
