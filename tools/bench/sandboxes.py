"""What it costs that no code of an app runs as root: the sandboxes that a deploy enters, and what one adds to a command."""

import json
import re

from tools.bench import deploy
from tools.bench.figures import ratio, shown, summary
from tools.bench.figures import table as columns
from tools.bench.plots import bars
from tools.engine import docker
from tools.shell import ROOT, step

# Where the collection's own code lies on the server, as Python finds it.
CODE = "/opt/bench"
PACKAGE = "ansible_collections/pyweb/stack/plugins"
# Commands that do nothing, so many of each kind in turn.
TIMES = 20
SCRIPT = f"""
import json, subprocess, sys, time
sys.path.insert(0, "{CODE}")
from ansible_collections.pyweb.stack.plugins.module_utils._host.sandboxes import Sandbox

def seconds(call):
    begun = time.monotonic()
    call()
    return time.monotonic() - begun

kinds = {{
    "without": lambda: subprocess.run(["/usr/bin/true"], check=True),
    "in a sandbox": lambda: Sandbox("bench", "do nothing").run(["/usr/bin/true"], seconds=60),
}}
print(json.dumps([{{kind: seconds(call) for kind, call in kinds.items()}} for _turn in range({TIMES})]))
"""
UNIT = re.compile(r"Started (gunicorn-shop-(?:build|run)-\w+|pyweb-stack-ask-\w+)\.service")


def measure(servers, runs):
    """Return how many sandboxes each step of a deploy enters, its seconds, and seconds of a command with and without one."""
    servers.renew("ours")
    figures = {"steps": {}, "command": {"without": [], "in a sandbox": []}}
    seen = 0
    with step("deploy, and count sandboxes"):
        for name, (variables, _edition, changes) in deploy.STEPS.items():
            spent = deploy.deploy(servers, "ours", name, variables, changes)
            started = len(UNIT.findall(servers.exec("ours", "journalctl", "--output=cat", "_PID=1")))
            figures["steps"][name] = {"sandboxes": started - seen, "seconds": round(spent.wall, 2)}
            seen = started
    with step(f"run a command with and without one, {runs} times {TIMES}"):
        servers.exec("ours", "mkdir", "--parents", f"{CODE}/{PACKAGE}")
        docker("cp", f"{ROOT}/plugins/module_utils", f"{servers.container('ours')}:{CODE}/{PACKAGE}/")
        for _turn in range(runs):
            for pair in json.loads(servers.exec("ours", "python3", "-c", SCRIPT)):
                for kind, seconds in pair.items():
                    figures["command"][kind].append(round(seconds, 4))
    return figures


def table(figures):
    """Return what was measured, for people."""
    inside, without = figures["command"]["in a sandbox"], figures["command"]["without"]
    more = summary(inside)["median"] - summary(without)["median"]
    rows = [
        (name, str(one["sandboxes"]), f"{one['seconds']:.1f}", f"{one['sandboxes'] * more / one['seconds']:.2f}")
        for name, one in figures["steps"].items()
    ]
    said = columns(("", "sandboxes", "seconds", "part of it"), rows)
    return f"{said}\n\n  a command: {shown(without, 3)} s, in a sandbox {shown(inside, 3)} s, {ratio(inside, without):.0f} times"


def plot(figures):
    """Return what was measured, to look at."""
    return bars("A command that does nothing", "seconds", {"": figures["command"]})
