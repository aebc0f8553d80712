"""`./dev demo`: a server in a container, the example project on it by site.yml, and what it answers."""

import hashlib
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request

from tools.engine import docker, ensure_engine
from tools.images import ensure_images
from tools.shell import ROOT, Failure, run, say, step

INVENTORY = ROOT / "tools" / "demo.yml"
# The inventory says the same in its own words.
CONTAINER = "pyweb-stack-demo-" + hashlib.sha256(str(ROOT).encode()).hexdigest()[:6]
# The tools are set up before the demo's turn comes, and count.
START = time.monotonic()
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def up():
    """Deploy the example project on the demo's server and show what came of it."""
    ensure_engine()
    ensure_images(["bookworm"], equipped=False)
    ensure_server()
    say("· ansible-playbook site.yml")
    played = time.monotonic()
    recap = play()
    played = time.monotonic() - played
    url = f"http://{inspect('{{.NetworkSettings.IPAddress}}')}/"
    show(url, answer(url), recap, played, time.monotonic() - START)


def down():
    """Remove the demo's server."""
    ensure_engine()
    with step(f"remove {CONTAINER}") as notes:
        if inspect("{{.Id}}"):
            docker("rm", "--force", "--volumes", CONTAINER)
        else:
            notes.append("it was not there")


def inspect(what):
    """Return a property of the demo's container, nothing where there is none."""
    try:
        return docker("container", "inspect", f"--format={what}", CONTAINER).strip()
    except Failure:
        return None


def ensure_server():
    """Leave with the demo's server running."""
    state = inspect("{{.State.Running}}")
    if state == "true":
        return
    with step(f"start {CONTAINER}, a Debian 12 server"):
        if state is None:
            run("ansible-playbook", f"--inventory={INVENTORY}", ROOT / "molecule" / "shared" / "create.yml")
        else:
            docker("start", CONTAINER)
            booted = "until systemctl is-system-running | grep -E 'running|degraded'; do sleep 0.1; done"
            docker("exec", CONTAINER, "sh", "-c", booted, timeout=60)


def play():
    """Run site.yml in sight of the person; return the counts of its recap, or fail with its last error."""
    env = {**os.environ, "ANSIBLE_FORCE_COLOR": "1" if sys.stdout.isatty() else "0"}
    command = ["ansible-playbook", f"--inventory={INVENTORY}", str(ROOT / "site.yml")]
    lines = []
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout:
            say(line.rstrip("\n"))
            lines.append(COLOUR.sub("", line))
    text = "".join(lines)
    if process.returncode:
        errors = re.findall(r"^(?:fatal: |\[ERROR\]: ).*?(?=\n\n|\Z)", text, re.DOTALL | re.MULTILINE)
        raise Failure(f"site.yml failed on {CONTAINER}:\n" + (errors or [text])[-1])
    return dict(re.findall(r"(\w+)=(\d+)", text.rpartition("PLAY RECAP")[2]))


def answer(url):
    """Ask for the page as a visitor would; return status and title."""
    # Never by way of a proxy: the server is on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=10) as response:
            page = response.read(1_000_000).decode(errors="replace")
            title = re.search(r"<title>\s*(.*?)\s*</title>", page, re.DOTALL)
            return f"{response.status} {response.reason}" + (f": {title[1]}" if title else "")
    except urllib.error.HTTPError as error:
        raise Failure(f"{url} answers {error.code} {error.reason}\n{look_further()}") from None
    except OSError as error:
        raise Failure(f"{url} does not answer: {error}\n{look_further()}") from None


def show(url, answered, recap, played, total):
    """Say what serves, how long it took and how to look further."""
    release = json.loads(docker("exec", CONTAINER, "cat", "/srv/shop/current/release.json"))
    plan = release["plan"]
    say(f"""
  {url}  answers {answered}

  release   {" of ".join(filter(None, (release["id"], release["version"])))}
  workers   {plan["workers"]}, each with threads: {plan["threads"]}; {plan["reason"]}
  playbook  ok={recap["ok"]} changed={recap["changed"]}, {played:.1f} s; with all its preparation {total:.1f} s
{look_further()}""")


def look_further():
    """Return the commands that show more of the demo's server."""
    enter = f"docker exec --interactive --tty {CONTAINER}"
    return f"""
  shell     {enter} bash
  units     {enter} systemctl status 'gunicorn-*'
  journal   {enter} journalctl --unit 'gunicorn-shop@*'
  again     ./dev demo          (changes nothing, as long as examples/django is the same)
  away      ./dev demo --down"""
