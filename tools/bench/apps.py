"""How long a playbook takes that has many apps, by this collection and by the usual role."""

from tools.bench.deploy import note
from tools.bench.figures import ratio, shown
from tools.bench.figures import table as columns
from tools.bench.plots import bars
from tools.bench.servers import BENCH, NAMES
from tools.shell import Failure, step

NUMBERS = (1, 5, 20)


def measure(servers, runs):
    """Return seconds of a run that changes nothing, by number of apps and by server."""
    servers.renew()
    figures = {}
    for number in NUMBERS:
        figures[number] = {which: {"wall": [], "cpu": []} for which in NAMES}
        with step(f"deploy up to {number} apps"):
            for which in NAMES:
                servers.play_all(plays(which, number))
        with step(f"play {number} apps again, {runs} times"):
            for turn in range(runs):
                for which in NAMES[:: -1 if turn % 2 else 1]:
                    spent = servers.play_all(plays(which, number))
                    if spent.changed:
                        raise Failure(f"the second run of {number} apps changed {spent.changed} things on {which}")
                    note(figures[number][which], spent)
    return figures


def plays(which, number):
    """Return the plays of so many apps; each has one worker, or the host would be what is measured."""
    given = {"version": "v1", "settings": {"workers": 1}, "secret_key": "not-so-secret"}
    return [(BENCH / f"{which}.yml", {"app": f"shop{turn}", **given}) for turn in range(number)]


def table(figures):
    """Return what was measured, for people."""
    rows = []
    for number, sides in figures.items():
        row = [f"{number} app{'s' * (number > 1)}"]
        for what in ("wall", "cpu"):
            ours, usual = sides["ours"][what], sides["usual"][what]
            row += [shown(ours), shown(usual), f"{ratio(ours, usual):.2f}"]
        rows.append(row)
    return columns(("second run of", "ours", "usual", "ratio", "CPU ours", "CPU usual", "ratio"), rows)


def plot(figures):
    """Return what was measured, to look at."""
    groups = {
        f"{number} apps": {which: some["wall"] for which, some in sides.items()} for number, sides in figures.items()
    }
    return bars("A second run", "seconds", groups)
