"""What visitors notice when a release takes over, beside a restart and a HUP of the guide's service."""

import json
import subprocess
import time

from tools.bench.figures import summary
from tools.bench.figures import table as columns
from tools.bench.plots import bars
from tools.bench.servers import BENCH
from tools.shell import ROOT, Failure, step

# The port at which each way's visitors come.
WAYS = {"handover": 80, "restart": 8080, "HUP": 8080}
STATES = {"restart": "restarted", "HUP": "reloaded"}
# How often in a run; seconds without any before, and seconds after each that still count as its time.
TIMES, STEADY, AFTER = 3, 10, 3
LAST = "/run/handovers"


def measure(servers, runs):
    """Return what became of the requests, by way."""
    servers.renew("ours")
    # Its visitors ask for what that app knows.
    given = {"app": f"{ROOT}/molecule/gapless/app", "callable": "shop:wsgi", "settings": {"worker_class": "sync"}}
    with step("serve two releases"):
        releases = []
        for changed in ("no", "yes"):
            servers.play(BENCH / "serving.yml", **given, changed=changed)
            releases.append(servers.exec("ours", "readlink", "/srv/shop/current").strip().rpartition("/")[2])
    figures = {}
    for way in WAYS:
        with step(f"{way}, {TIMES * runs} times"):
            figures[way] = visited(servers, way, [releases[turn % 2] for turn in range(TIMES * runs)])
    return figures


def visited(servers, way, releases):
    """Have visitors come while it happens again and again; return what became of them."""
    visitors = ("docker", "exec", servers.container("ours"), "python3", "/opt/visitors.py", str(WAYS[way]))
    servers.exec("ours", "rm", "-f", LAST)
    with subprocess.Popen([*visitors, "everybody", LAST], stdout=subprocess.PIPE, text=True) as process:
        try:
            times = handed_over(servers, way, releases)
        except BaseException:
            process.kill()
            raise
        # They leave when the whole file is there.
        servers.exec("ours", "sh", "-c", 'printf %s "$0" > "$1.new" && mv "$1.new" "$1"', json.dumps(times), LAST)
        said = process.communicate(timeout=120)[0]
    if process.returncode:
        raise Failure(f"the visitors ended with {process.returncode}; what they said: {said[-2000:]}")
    report = json.loads(said)
    lost = {what: report["all"][what] for what in ("requests", "failed", "cut", "crossed")}
    return {
        **lost,
        "slowest": [one["slowest"] for one in report["handovers"]],
        "steady": report["steady"]["slowest"],
    }


def handed_over(servers, way, releases):
    """Let it happen again and again; return when that was, as the visitors want to be told."""
    times = []
    time.sleep(STEADY)
    for release in releases:
        begun = time.time()
        happen(servers, way, release)
        time.sleep(AFTER)
        times.append({"begun": begun, "ended": time.time(), "release": release, "taken": True})
    return times


def happen(servers, way, release):
    """Hand over to a release, or do to the guide's service what guides do."""
    if way in STATES:
        servers.play(BENCH / "restart.yml", state=STATES[way])
        return
    given = {"gunicorn_name": "shop", "gunicorn_release": release}
    servers.play(ROOT / "playbooks" / "rollback.yml", target="ours", **given)


def table(figures):
    """Return what was measured, for people."""
    head = ("", "times", "requests", "failed", "cut", "crossed", "slowest s", "steady s", "ratio")
    rows = []
    for way, some in figures.items():
        slowest = summary(some["slowest"])["median"]
        counts = [f"{some[what]:,}" for what in ("requests", "failed", "cut", "crossed")]
        ratio = f"{slowest / some['steady']:.1f}"
        rows.append((way, str(len(some["slowest"])), *counts, f"{slowest:.2f}", f"{some['steady']:.2f}", ratio))
    return columns(head, rows)


def plot(figures):
    """Return what was measured, to look at."""
    groups = {way: {"while it happens": some["slowest"], "steady": [some["steady"]]} for way, some in figures.items()}
    return bars("The slowest of the quick requests", "seconds", groups)
