"""Runs that are killed at moments drawn by lot, and runs that begin at once.

STACK_SEED has the seed, of which all that is drawn comes, to see the same again; it is told in any case.
"""

import concurrent.futures
import contextlib
import json
import os
import random
import signal
import sys
import time

from deploys import STRIKE, check

GUEST = "guest.example"
# The four kinds of runs, in an order in which each finds what it takes: the playbook, and what it is given.
KINDS = {
    "update": ("", {}),
    "rollback": ("pyweb.stack.rollback", {"gunicorn_name": "shop"}),
    "first deploy": ("guest.yml", {"state": "present", "code": "/opt/guest"}),
    "absent": ("guest.yml", {"state": "absent"}),
}
# What is struck: all that the run has on the server, its modules alone, or what those have started alone.
STRUCK = ("all", "modules", "started")
# Seconds in which there has to be something to strike, and how often it is looked whether all is as usual.
WAIT = "3"
TRIES = 30
# What a run says that came second.
REFUSED = (
    "became active during this run",
    "another run is changing the app",
    "was removed during this run",
    "nginx still brings visitors to the app",
    "is not deployed",
    "there is no such release",
)
# How the server looks where runs leave something behind. What is named by its content, or by lot, counts, but by no name.
# The code of a module that was killed Ansible itself leaves in /tmp.
LOOK = """
import collections, json, os, re, subprocess
def walk(path, depth):
    for entry in os.scandir(path):
        yield entry.path
        if depth > 1 and entry.is_dir(follow_symlinks=False):
            yield from walk(entry.path, depth - 1)
def anonymous(name):
    return re.sub(r"\\b[0-9a-f]{8,}\\b", "*", name)
seen = collections.Counter()
places = {
    "/run": 3, "/tmp": 1, "/var/tmp": 1, "/etc/nginx": 2, "/etc/pyweb-stack": 3, "/var/lib": 2, "/var/cache": 3,
    "/var/backups": 2, "/usr/local": 3, "/opt": 1, "/root": 2, "/etc/ssl/pyweb-stack": 2,
}
noise = re.compile(
    r"/(run/(systemd|udev|log|user|visitors|credentials)|var/lib/(apt|dpkg|systemd)|var/cache/apt|[a-z/]*/systemd-private"
    r"|root/.ansible|tmp/ansible_)"
)
for place, depth in places.items():
    if os.path.isdir(place):
        seen.update(anonymous(path) for path in walk(place, depth) if not noise.match(path))
# Of these are as many as there are releases.
for place, depth in {"/srv": 3, "/etc/systemd/system": 2}.items():
    seen.update({anonymous(path) for path in walk(place, depth)})
listed = subprocess.run(["systemctl", "list-units", "--all", "--plain", "--no-legend"], capture_output=True, text=True, check=True)
for line in listed.stdout.splitlines():
    unit, load, active = line.split()[:3]
    if re.match("gunicorn|pyweb|nginx|run-", unit) or active == "failed":
        seen[anonymous(f"{unit} {load} {active}")] += 1
print(json.dumps(seen))
"""

# Meet the guest again and again until it says that this is enough; print which code and site answered.
WATCH = """
import os, sys, urllib.error, urllib.request
met = set()
asked = urllib.request.Request("http://127.0.0.1/", headers={"Host": "guest.example"})
while not os.path.exists("/run/watched"):
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            met.add(f"{answer.headers['x-edition']}/{answer.headers['x-turn']}")
    except urllib.error.HTTPError as error:
        met.add(f"{error.code}")
os.unlink("/run/watched")
print(*met)
"""


def moments(server, times):
    """Kill so many runs of the four kinds in turn, each at a moment drawn by lot, and see that a second one repairs all."""
    seed = os.environ.get("STACK_SEED") or random.SystemRandom().randrange(10**6)
    lot = random.Random(int(seed))
    print(f"the seed is {seed}")
    server.run("import shutil; shutil.copytree('/opt/shop', '/opt/guest', dirs_exist_ok=True)")
    # In the first turn caches come to be, and in the second one it is seen how it is when nothing happens.
    for _turn in range(2):
        usual = {kind: undisturbed(server, kind) for kind in KINDS}
    for number in range(int(times)):
        kind = list(KINDS)[number % len(KINDS)]
        seconds, look = usual[kind]
        for _try in range(TRIES):
            struck, took = disturbed(server, kind, seconds, look, lot)
            if struck:
                break
            # It came too late: the machine was busier when it was measured how long such a run takes.
            seconds = min(seconds, took)
        check(f"a run is struck, where it takes {seconds:.1f} s", struck)
        print(f"{kind}, {struck}; after another run nothing is left", flush=True)


def disturbed(server, kind, seconds, look, lot):
    """Kill a run of this kind, and have another one repair all; return what was killed and when, and how long it took.

    The first is empty where it was too late.
    """
    moment, whom, after = lot.uniform(0, seconds), lot.choice(STRUCK), str(lot.uniform(0, 2))
    if kind in ("update", "first deploy"):
        server.turn += 1
    began = time.monotonic()
    run = begin(server, kind)
    time.sleep(moment)
    struck = server.run(STRIKE, whom, WAIT, after).strip()
    if struck and whom == "all":
        run.signal(signal.SIGKILL)
    run.end()
    took = time.monotonic() - began
    begin(server, kind).done()
    proper(server, kind)
    resembles(server, look)
    return struck and f"after {moment:.1f} of {seconds:.1f} s ended {whom} ({struck})", took


def undisturbed(server, kind):
    """Have a run of this kind that nothing happens to; return how long it took, and how the server looks then."""
    if kind in ("update", "first deploy"):
        server.turn += 1
    began = time.monotonic()
    begin(server, kind).done()
    seconds = time.monotonic() - began
    proper(server, kind)
    return seconds, settled(server)


def begin(server, kind):
    """Start a run of this kind."""
    playbook, given = KINDS[kind]
    return server.play(playbook, turn=server.turn, **given)


def proper(server, kind):
    """See that visitors meet what such a run is to bring about."""
    if kind == "absent":
        check("the guest is gone", server.edition(GUEST) == server.edition())
    elif kind == "rollback":
        check("the release before is served", server.edition()[0] != str(server.turn))
    else:
        host = GUEST if kind == "first deploy" else "localhost"
        check(f"turn {server.turn} is served", server.edition(host) == [str(server.turn)] * 2)


def settled(server):
    """Return how the server looks when it has been the same for a while: what still ends has ended then."""
    looks = [json.loads(server.run(LOOK))]
    while len(looks) <= TRIES:
        time.sleep(2)
        looks.append(json.loads(server.run(LOOK)))
        if looks[-1] == looks[-2]:
            return looks[-1]
    sys.exit(f"these don't come to rest: {differing(*looks[-2:])}")


def resembles(server, usual):
    """See that the server comes to look as it does where nothing happened."""
    for _try in range(TRIES):
        look = json.loads(server.run(LOOK))
        if look == usual:
            return
        time.sleep(1)
    check(f"nothing is left or missing: {differing(usual, look)}", False)


def differing(one, other):
    """Return where two looks differ: how often something is there in the one and in the other, by its name."""
    names = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    return {name: (one.get(name, 0), other.get(name, 0)) for name in names}


def together(server):
    """Begin three runs of one app at once: three deploys, and then an update, a rollback and a removal of another."""
    first = server.turn + 1
    server.turn += 3
    for turn in range(first, first + 3):
        server.run(f"import shutil; shutil.copytree('/opt/shop', '/opt/shop-{turn}', dirs_exist_ok=True)")
    runs = {turn: server.play(turn=turn, code=f"/opt/shop-{turn}") for turn in range(first, first + 3)}
    well = ended(runs)
    edition, site = map(int, server.edition())
    check(f"the code {edition} and the site {site} are of {well}", {edition, site} <= set(well))
    print(f"of three deploys {len(well)} ended well, and the others were refused")
    server.turn += 1
    server.served(server.deploy())

    server.run("import shutil; shutil.copytree('/opt/shop', '/opt/guest', dirs_exist_ok=True)")
    for _turn in range(2):
        undisturbed(server, "first deploy")
    before, update = server.turn, server.turn + 1
    server.turn += 1
    shop = "/".join(server.edition())
    right = {f"{edition}/{site}" for edition in range(before - 1, update + 1) for site in (before, update)}
    with watched(server, {*right, shop, "502", "503"}):
        runs = {
            "update": begin(server, "first deploy"),
            "rollback": server.play("pyweb.stack.rollback", gunicorn_name="guest"),
            "absent": begin(server, "absent"),
        }
        well = ended(runs)
    print(f"of an update, a rollback and a removal ended well: {', '.join(well)}")
    undisturbed(server, "first deploy")
    undisturbed(server, "absent")


@contextlib.contextmanager
def watched(server, right):
    """See that visitors of the guest meet nothing but these meanwhile: code and site, or the status of a refusal."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        met = pool.submit(server.run, WATCH)
        try:
            yield
        finally:
            server.run("open('/run/watched', 'w').close()")
        wrong = set(met.result().split()) - right
        check(f"the guest's visitors met nothing but {sorted(right)}, and not {sorted(wrong)}", not wrong)


def ended(runs):
    """Wait for runs; see that each ended well or was refused in words that say why; return those that ended well."""
    well = []
    for name, run in runs.items():
        code, said = run.end()
        check(f"{name} ended well, or says why not:\n{said}", not code or any(words in said for words in REFUSED))
        well += [] if code else [name]
    check("one of them ended well", well)
    return well
