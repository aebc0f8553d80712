"""`./dev demo`: a server in a container, an example project on it, and what it answers."""

import dataclasses
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
from tools.shell import PROJECT, ROOT, Failure, run, say, step

INVENTORY = ROOT / "tools" / "demo.yml"
# The inventory says the same in its own words.
CONTAINER = f"pyweb-stack-demo-{PROJECT}"


@dataclasses.dataclass(frozen=True)
class Demo:
    """An app, the playbook that deploys it, the container with its server, and the command that does all of that."""

    app: str
    playbook: str
    container: str
    command: str
    source: str


SMALL = Demo("shop", "site.yml", CONTAINER, "./dev demo", "examples/django")
# With a database, a queue, workers, a job and uploads.
FULL = Demo("album", "examples/full.yml", f"{CONTAINER}-full", "./dev demo --full", "examples/full")
# The tools are set up before the demo's turn comes, and count.
START = time.monotonic()
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def up(demo):
    """Deploy the example project on the demo's server and show what came of it."""
    ensure_engine()
    ensure_images(["bookworm"], equipped=False)
    ensure_server(demo)
    say(f"· ansible-playbook {demo.playbook}")
    played = time.monotonic()
    recap = play(demo)
    played = time.monotonic() - played
    url = f"http://{inspect(demo, '{{.NetworkSettings.IPAddress}}')}/"
    show(demo, url, answer(demo, url), recap, played, time.monotonic() - START)


def down():
    """Remove the servers of both demos."""
    ensure_engine()
    for demo in (SMALL, FULL):
        with step(f"remove {demo.container}") as notes:
            if inspect(demo, "{{.Id}}"):
                docker("rm", "--force", "--volumes", demo.container)
            else:
                notes.append("it was not there")


def inspect(demo, what):
    """Return a property of the demo's container, nothing where there is none."""
    try:
        return docker("container", "inspect", f"--format={what}", demo.container).strip()
    except Failure:
        return None


def ensure_server(demo):
    """Leave with the demo's server running."""
    state = inspect(demo, "{{.State.Running}}")
    if state == "true":
        return
    with step(f"start {demo.container}, a Debian 12 server"):
        if state is None:
            run("ansible-playbook", *on(demo), ROOT / "molecule" / "shared" / "create.yml")
        else:
            docker("start", demo.container)
            booted = "until systemctl is-system-running | grep -E 'running|degraded'; do sleep 0.1; done"
            docker("exec", demo.container, "sh", "-c", booted, timeout=60)


def on(demo):
    """Return the options by which ansible-playbook plays on the demo's server."""
    return [f"--inventory={INVENTORY}", f"--extra-vars=container={demo.container}"]


def play(demo):
    """Run its playbook in sight of the person; return the counts of its recap, or fail with its last error."""
    env = {**os.environ, "ANSIBLE_FORCE_COLOR": "1" if sys.stdout.isatty() else "0"}
    command = ["ansible-playbook", *on(demo), str(ROOT / demo.playbook)]
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
        raise Failure(f"{demo.playbook} failed on {demo.container}:\n" + (errors or [text])[-1])
    return dict(re.findall(r"(\w+)=(\d+)", text.rpartition("PLAY RECAP")[2]))


def answer(demo, url):
    """Ask for the page as a visitor would; return status and title."""
    # Never by way of a proxy: the server is on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=10) as response:
            page = response.read(1_000_000).decode(errors="replace")
            title = re.search(r"<title>\s*(.*?)\s*</title>", page, re.DOTALL)
            return f"{response.status} {response.reason}" + (f": {title[1]}" if title else "")
    except urllib.error.HTTPError as error:
        raise Failure(f"{url} answers {error.code} {error.reason}\n{look_further(demo)}") from None
    except OSError as error:
        raise Failure(f"{url} does not answer: {error}\n{look_further(demo)}") from None


def show(demo, url, answered, recap, played, total):
    """Say what serves, how long it took and how to look further."""
    release = json.loads(docker("exec", demo.container, "cat", f"/srv/{demo.app}/current/release.json"))
    runs = docker("exec", demo.container, f"gunicorn-{demo.app}", "status").rstrip()
    plan = release["plan"]
    say(f"""
  {url}  answers {answered}

  release   {" of ".join(filter(None, (release["id"], release["version"])))}
  workers   {plan["workers"]}, each with threads: {plan["threads"]}; {plan["reason"]}
  playbook  ok={recap["ok"]} changed={recap["changed"]}, {played:.1f} s; with all its preparation {total:.1f} s

{runs}
{look_further(demo)}""")


def look_further(demo):
    """Return the commands that show more of the demo's server."""
    enter = f"docker exec --interactive --tty {demo.container}"
    return f"""
  shell     {enter} bash
  account   {enter} gunicorn-{demo.app} manage.py createsuperuser
  status    {enter} gunicorn-{demo.app} status
  journal   {enter} gunicorn-{demo.app} logs -f
  again     {demo.command}          (changes nothing, as long as {demo.source} is the same)
  away      ./dev demo --down"""
