"""`./dev bench`: how long a deploy takes, how much is served and what a handover loses, beside the usual ways."""

import datetime
import json

from tools.bench import apps, deploy, handover, sandboxes, serving
from tools.bench.machine import machine
from tools.bench.servers import Servers
from tools.engine import ensure_engine
from tools.images import ensure_images
from tools.shell import ROOT, Failure, say

PARTS = {"deploy": deploy, "serving": serving, "handover": handover, "apps": apps, "sandboxes": sandboxes}
RESULTS = ROOT / "docs" / "bench"


def bench(names, runs):
    """Measure these parts, or all, so often each; show what came of it, and leave it in docs/bench. Return the exit code."""
    unknown = sorted(set(names) - set(PARTS))
    if unknown:
        raise Failure(f"no such part: {', '.join(unknown)}; there are: {', '.join(PARTS)}")
    ensure_engine()
    ensure_images(["bookworm"])
    for name in names or PARTS:
        part = PARTS[name]
        with Servers() as servers:
            figures = part.measure(servers, runs)
        about = {"measured": f"{datetime.date.today()}", "runs": runs, "machine": machine()}
        keep(name, {**about, "figures": figures}, part.plot(figures))
        say(f"\n{part.table(figures)}\n\n  {about['machine']}; {runs} runs: median (least to most)\n")
    return 0


def keep(name, result, plot):
    """Write what was measured, for machines and for people."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (RESULTS / f"{name}.svg").write_text(plot, encoding="utf-8")
