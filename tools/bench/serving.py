"""How much is served, and how soon: our site, the guide's, and the guide's gunicorn without nginx."""

import re

from tools.bench.figures import ratio, shown
from tools.bench.figures import table as columns
from tools.bench.plots import bars
from tools.bench.servers import BENCH
from tools.shell import Failure, step

# Where each of them answers, on one server.
WAYS = {"default": "http://127.0.0.1:80/", "guide": "http://127.0.0.1:8080/", "direct": "http://127.0.0.1:9999/"}
CLASSES = {
    "sync": {"callable": "page:wsgi", "settings": {"worker_class": "sync"}},
    "gthread": {"callable": "page:wsgi", "settings": {"worker_class": "gthread", "threads": 4}},
    "asgi": {"callable": "page:asgi", "settings": {"worker_class": "asgi"}},
}
# Clients at a time, and seconds that they ask without a rest.
CLIENTS, SECONDS, WARM = 32, 8, 2
UNITS = {"us": 1e-3, "ms": 1, "s": 1e3}


def measure(servers, runs):
    """Return requests per second and latencies by class of workers and by way."""
    servers.renew("ours")
    figures = {}
    for name, given in CLASSES.items():
        with step(f"serve by {name} workers"):
            servers.play(BENCH / "serving.yml", app=f"{BENCH}/app", **given)
        figures[name] = {way: {"rps": [], "p50": [], "p99": []} for way in WAYS}
        with step(f"ask {name} workers, {runs} times in {len(WAYS)} ways"):
            for url in WAYS.values():
                ask(servers, url, WARM)
            for _turn in range(runs):
                for way, url in WAYS.items():
                    for what, value in ask(servers, url, SECONDS).items():
                        figures[name][way][what].append(value)
    return figures


def ask(servers, url, seconds):
    """Ask for a page for so many seconds; return requests per second, median and 99th percentile in ms."""
    how = (f"--connections={CLIENTS}", "--threads=1", f"--duration={seconds}s", "--latency")
    said = servers.exec("ours", "wrk", *how, url)
    errors = re.findall(r"Non-2xx.*|Socket errors.*", said)
    if errors:
        raise Failure(f"{url}: {'; '.join(errors)}")
    return {
        "rps": float(re.search(r"Requests/sec:\s*([\d.]+)", said)[1]),
        **{f"p{percent}": latency(said, percent) for percent in (50, 99)},
    }


def latency(said, percent):
    """Return a percentile of what wrk says, in ms."""
    number, unit = re.search(rf"^\s+{percent}%\s+([\d.]+)(us|ms|s)$", said, re.MULTILINE).groups()
    return round(float(number) * UNITS[unit], 3)


def table(figures):
    """Return what was measured, for people."""
    rows = []
    for name, ways in figures.items():
        for way, some in ways.items():
            row = [f"{name}, {way}", shown(some["rps"], 0)]
            row += [f"{ratio(some['rps'], ways[other]['rps']):.2f}" for other in ("guide", "direct")]
            rows.append([*row, shown(some["p50"]), shown(some["p99"])])
    return columns(("", "requests/s", "to guide", "to direct", "p50 ms", "p99 ms"), rows)


def plot(figures):
    """Return what was measured, to look at."""
    groups = {name: {way: some["rps"] for way, some in ways.items()} for name, ways in figures.items()}
    return bars(f"{CLIENTS} clients who ask without a rest", "requests/s", groups)
