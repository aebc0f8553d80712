"""Which tests there are, where they run, and in which order."""

import os
import re
import shutil
import tempfile

from tools.checks import Check, Lanes, logged, spent
from tools.collection import collection
from tools.engine import cpu_seconds, docker, ensure_engine
from tools.images import SUITES, ensure_images
from tools.lint import ONLY_FULL, lint
from tools.shell import PROJECT, ROOT, Failure, say, succeeds

# The scenarios that take long, or both servers, in the order in which they begin: the last one would go on alone.
LONGEST = (
    *("accidents", "projects", "hostile", "faults", "site", "full", "sources"),
    *("processes", "django", "gapless", "database", "git", "playbook", "examples"),
)
# Those that take too long for each run; by its name each can be run alone.
FULL = ("projects", "full")
# Those of which, from day to day, a part alone is shown on a Debian, as their files have it.
IN_PARTS = (
    *("accidents", "database", "examples", "faults", "gapless", "git"),
    *("hostile", "playbook", "processes", "site", "sources"),
)
# Minutes that a scenario may take, and with --full.
LIMITS = (40, 90)
# Percents of the branches of a file that the unit tests are to run.
ENOUGH = 95
# How a scenario says that it runs on one of the servers only, in its molecule.yml.
LIMIT = re.compile(r"--limit=\$\{STACK_SERVERS:-(\w+)\}")


def everything(full):
    """Return all checks, those on servers as scenarios() has them."""
    return on_servers([*unit(full), *scenarios([], full), *lint(full), Check("collection installs", collection)])


def unit(coverage=True):
    """Return the checks that need no server, all of them and how much they run; without `coverage` what a day shows."""
    return [Check("unit tests", covered if coverage else unit_tests, *([] if coverage else ["--day"]))]


def molecule(names, full):
    """Return what the scenarios of Molecule need, and those that scenarios() has."""
    return on_servers(scenarios(names, full))


def on_servers(checks):
    """Return such checks behind what those of them need that are on servers."""
    return [Check("test servers", ensure_servers), Lanes(checks)]


def scenarios(names, full):
    """Return the checks on servers: these scenarios of Molecule, or all; each where it says, or on every server."""
    return [
        Check(f"molecule {name}", scenario, name, full, where=SUITES if full else suites(name))
        for name in chosen(names)
        if full or names or name not in FULL
    ]


def chosen(names):
    """Return these scenarios, or all of them, the longest first."""
    known = sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))
    unknown = sorted(set(names) - set(known))
    if unknown or not known:
        raise Failure(f"no such scenario: {', '.join(unknown)}; there are: {', '.join(known)}")
    return sorted(names or known, key=lambda name: LONGEST.index(name) if name in LONGEST else len(LONGEST))


def suites(name):
    """Return the Debians that a scenario runs on, where nobody asks for all of them."""
    limit = LIMIT.search((ROOT / "molecule" / name / "molecule.yml").read_text(encoding="utf-8"))
    return [limit[1]] if limit else list(SUITES)


def left_out(names, full):
    """Return a note on which scenarios, of these or of all, were not run on which Debian; empty if there is none."""
    shown = {name: [] if name in FULL and not names else suites(name) for name in chosen(names)}
    missing = {suite: [name for name in shown if suite not in shown[name]] for suite in SUITES}
    told = [f"{', '.join(sorted(some))} on {suite}" for suite, some in missing.items() if some]
    told += [f"all of {name} on both" for name in IN_PARTS if name in shown]
    told += [] if names else [ONLY_FULL]
    return "" if full or not told else f"Only --full shows: {'; '.join(told)}."


def unit_tests(*options):
    """Run the unit tests; return what they said."""
    env = {"COVERAGE_FILE": str(ROOT / ".ansible" / "coverage"), "PATH": path_with_nginx()}
    return logged("unit", "pytest", "tests/unit", *options, env=env)


def covered():
    """Run the unit tests; say how much of plugins/ they run, branches counted, and which files fall short."""
    said = unit_tests("--cov=plugins", "--cov-branch", "--cov-report=term")
    rows = re.findall(r"^(plugins/\S+|TOTAL) .* (\d+)%$", said, re.MULTILINE)
    short = sorted((int(part), name) for name, part in rows if int(part) < ENOUGH and name != "TOTAL")
    say(f"  branch coverage {dict(rows)['TOTAL']} %; less than {ENOUGH} %: {len(short)} files")
    for part, name in short:
        say(f"    {part:3} %  {name}")


def path_with_nginx():
    """Return the PATH with an nginx on it, that of Debian's package, unpacked and not installed; without where none can be had."""
    path = os.environ["PATH"]
    if shutil.which("nginx", path=f"{path}:/usr/sbin"):
        return path
    folder = ROOT / ".ansible" / "nginx"
    if not (folder / "usr" / "sbin" / "nginx").exists():
        folder.mkdir(parents=True, exist_ok=True)
        fetch = 'cd "$0" && apt-get --quiet=2 download nginx && dpkg-deb --extract nginx_*.deb .'
        if not succeeds("sh", "-c", fetch, folder):
            say("  no nginx to be had from apt-get, so what takes one is skipped")
    return f"{path}:{folder}/usr/sbin"


def ensure_servers():
    """Leave with all that test servers start from."""
    ensure_engine()
    ensure_images()


def scenario(name, full):
    """Run a scenario from its start to its end, on servers that are new and go with it."""
    env = {"STACK_SERVERS": "web", "STACK_CHECK": "check", "STACK_AGAIN": "idempotence"} if full else {}
    remove_servers(name)
    with tempfile.TemporaryDirectory() as folder:
        # Not where somebody's own `molecule converge` remembers what it has made.
        env["MOLECULE_EPHEMERAL_DIRECTORY"] = folder
        try:
            test = ("molecule", "test", "--destroy=never", "--scenario-name", name)
            logged(f"molecule-{name}", *test, env=env, minutes=LIMITS[full])
        finally:
            remove_servers(name)


def remove_servers(name):
    """Remove the servers of a scenario of this checkout; what they did counts as done by it."""
    labels = (f"--filter=label=project={PROJECT}", f"--filter=label=scenario={name}")
    if servers := docker("ps", "--all", "--quiet", "--no-trunc", *labels).split():
        spent(sum(map(cpu_seconds, servers)))
        docker("rm", "--force", "--volumes", *servers)
