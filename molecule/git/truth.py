"""Whether check mode told the truth of a change: takes the change, and what check mode and the run said of their tasks."""

import json
import sys


def check(claim, truth):
    """End with the claim if it isn't true."""
    if not truth:
        sys.exit(f"not so: {claim}\n{json.dumps([told, done], indent=1)}")


def flat(names):
    """Return a list without lists in it."""
    return [each for name in names for each in (name if isinstance(name, list) else [name])]


change = json.loads(sys.argv[1])
told, done = map(json.loads, json.load(sys.stdin))
unknown = {task for task in told if "(not known yet)" in told[task]["diff"]}
shown = "".join(each["diff"] for each in told.values() if each["changed"]).splitlines()

check("it changes this and nothing else", {t for t in done if done[t]["changed"]} == set(flat(change["changes"])))
check("only this is not known before", unknown == set(flat(change.get("unknown", []))))
# What an app answers is known when it has been asked.
check("the same tasks ran", set(told) == set(done) - {"Say which pages the proof saw"})
for task in set(told) - unknown:
    check(f"{task}: changed as foretold", told[task]["changed"] == done[task]["changed"])
    check(f"{task}: the diff as foretold", told[task]["diff"] == done[task]["diff"])
for line in change["shows"]:
    check(f"its diff has the line {line}", line in shown)
check("no secret is told", "secret" not in json.dumps([told, done]).replace("SECRET", ""))
