"""`./dev gapless`: releases take over from each other on a server in a container, and what its visitors noticed."""

import contextlib
import itertools
import json
import statistics

from tools.checks import logged
from tools.engine import docker, ensure_engine
from tools.images import ensure_images
from tools.shell import PROJECT, ROOT, Failure, say, step

MOLECULE = ROOT / "molecule"
SCENARIO = "gapless-trial"
# What a handover can be of (molecule/gapless/kinds.yml).
GOOD = (
    *("code", "requirement", "workers", "environment", "site", "class"),
    *("timeouts", "certificate", "sandbox", "gunicorn", "back", "first"),
)
BROKEN = ("import", "boot", "error", "never", "late", "exit", "memory")
ROW = "  {:12} {:>6} {:>9} {:>7} {:>5} {:>8} {:>10}"


def gapless(number, worker_class, suite):
    """Hand over so often on a server of its own, and show what became of the requests."""
    ensure_engine()
    ensure_images([suite])
    # The inventory says the same in its own words.
    container = f"pyweb-stack-{suite}-{SCENARIO}-{PROJECT}"
    given = {"plan": plan(number, worker_class), "worker_class": worker_class, "undisturbed": 30, "full": True}

    def play(name, minutes=10):
        inventory = f"--inventory={MOLECULE / 'inventory.yml'}"
        command = ("ansible-playbook", inventory, f"--limit={suite}", f"--extra-vars={json.dumps(given)}")
        env = {"MOLECULE_SCENARIO_NAME": SCENARIO, "STACK_IMAGE": "equipped"}
        logged("gapless", *command, MOLECULE / name, env=env, minutes=minutes)

    with step(f"serve an app with {worker_class} workers on {container}"):
        play("shared/destroy.yml")
        play("shared/create.yml")
        play("gapless/converge.yml")
    try:
        with step(f"hand over {number} times"):
            play("gapless/verify.yml", minutes=10 + number)
    finally:
        # Where there are losses, the play fails: what they are is seen first. It may have failed before that.
        with contextlib.suppress(Failure):
            show(json.loads(docker("exec", container, "cat", "/run/visits.json")))
    play("shared/destroy.yml")
    return 0


def plan(number, worker_class):
    """Return the kinds of so many handovers, every third of which is of a broken release."""
    # No other class of gunicorn's own serves websockets.
    fit = [kind for kind in GOOD if kind != "class" or worker_class != "asgi"]
    good, broken = itertools.cycle(fit), itertools.cycle(BROKEN)
    return [next(broken if turn % 3 == 2 else good) for turn in range(number)]


def show(report):
    """Say by kind of handover, and in all, what was lost and how long the slowest of the quick requests took."""
    handovers = report["handovers"]
    kinds = {kind: [one for one in handovers if one["kind"] == kind] for kind in (*GOOD, *BROKEN)}
    say("\n" + ROW.format("", "times", "requests", "failed", "cut", "crossed", "slowest"))
    for kind, some in kinds.items():
        if some:
            sums = [sum(one[what] for one in some) for what in ("requests", "failed", "cut", "crossed")]
            say(ROW.format(kind, len(some), *sums, f"{max(one['slowest'] for one in some):.2f} s"))
    every, steady = report["all"], report["steady"]
    counts = [every[what] for what in ("requests", "failed", "cut", "crossed")]
    say(ROW.format("in all", len(handovers), *counts, f"{every['slowest']:.2f} s"))
    say(f"""
  the slowest of a handover   {statistics.median(one["slowest"] for one in handovers):.2f} s in the median
  the slowest between them    {steady["slowest"]:.2f} s of {steady["requests"]}
""")
    for loss in report["losses"]:
        say(f"  {loss['outcome']}: {loss['kind']}, handovers {loss['handovers']}: {loss['why']}")
