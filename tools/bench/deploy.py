"""How long a deploy takes: ours and the usual playbook's, step by step, beside the floor of tasks that do nothing."""

import json
import tempfile

from tools.bench.figures import ratio, shown
from tools.bench.figures import table as columns
from tools.bench.plots import bars
from tools.bench.servers import BENCH, NAMES
from tools.shell import ROOT, Failure, step

FLOOR = "20 empty tasks"
FIRST = {"app": "shop", "version": "v1", "settings": {}, "secret_key": "not-so-secret"}
LATER = {**FIRST, "settings": {"timeout": 60}}
NEWER = {**LATER, "version": "v2"}
# What is played, which edition answers then, and whether it changes anything.
STEPS = {
    "first deploy": (FIRST, "v1", True),
    "second run": (FIRST, "v1", False),
    "one setting": (LATER, "v1", True),
    "code update": (NEWER, "v2", True),
    "rollback": (LATER, "v1", True),
}


def measure(servers, runs):
    """Return seconds by step, by server and by what they are of."""
    figures = {name: {which: {"wall": [], "cpu": []} for which in NAMES} for name in STEPS}
    figures[FLOOR] = {"ours": {"wall": [], "cpu": []}}
    for turn in range(runs):
        servers.renew()
        with step(f"deploy, run {turn + 1} of {runs}"):
            for name, (variables, edition, changes) in STEPS.items():
                # Who is first finds the machine in another state now and then.
                for which in NAMES[:: -1 if turn % 2 else 1]:
                    note(figures[name][which], deploy(servers, which, name, variables, changes))
                    look(servers, which, edition)
            note(figures[FLOOR]["ours"], floor(servers))
    return figures


def deploy(servers, which, name, variables, changes):
    """Play a step on a server, and return what it took."""
    if which == "ours" and name == "rollback":
        spent = servers.play(ROOT / "playbooks" / "rollback.yml", target="ours", gunicorn_name="shop")
    else:
        spent = servers.play(BENCH / f"{which}.yml", **variables)
    # The playbook that goes back says what it did, and not whether that is a change.
    if changes != bool(spent.changed):
        raise Failure(f"{name} on {which} changed {spent.changed} things; see .ansible/logs/bench.log")
    return spent


def floor(servers):
    """Play as many tasks as the usual playbook has, of which none does anything."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump([{"hosts": "ours", "gather_facts": False, "tasks": [{"ansible.builtin.ping": {}}] * 20}], file)
        file.flush()
        return servers.play(file.name)


def look(servers, which, edition):
    """See that the right edition answers: what serves another page measures nothing."""
    page = servers.exec(which, "curl", "--silent", "--fail", "--header", "Host: shop.example.com", "http://127.0.0.1/")
    if f"Guest book {edition}<" not in page:
        raise Failure(f"{which} should serve {edition}, but answers {page[:2000]}")


def note(figures, spent):
    """Keep what a play took."""
    figures["wall"].append(round(spent.wall, 2))
    figures["cpu"].append(round(spent.cpu, 2))


def table(figures):
    """Return what was measured, for people."""
    head = ("", "ours", "usual", "ratio", "CPU ours", "CPU usual", "ratio")
    rows = []
    for name in STEPS:
        ours, usual = figures[name]["ours"], figures[name]["usual"]
        row = [name]
        for what in ("wall", "cpu"):
            row += [shown(ours[what]), shown(usual[what]), f"{ratio(ours[what], usual[what]):.2f}"]
        rows.append(row)
    empty = figures[FLOOR]["ours"]
    rows.append([FLOOR, shown(empty["wall"]), "", "", shown(empty["cpu"]), "", ""])
    return columns(head, rows)


def plot(figures):
    """Return what was measured, to look at."""
    groups = {name: {which: some["wall"] for which, some in sides.items()} for name, sides in figures.items()}
    return bars("A run of the playbook", "seconds", groups)
