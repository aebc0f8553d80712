"""What `./dev` understands, and which work answers to it."""

import argparse
import signal

from tools import demo, tests
from tools.bench import PARTS, bench
from tools.checks import run_all
from tools.gapless import gapless
from tools.lint import lint
from tools.setup import VENV, ensure_tools
from tools.shell import ROOT, Failure, run, say

DESCRIPTION = """\
Develop, try and test the collection pyweb.stack.

Every command sets up what it needs and reuses what is there: the tools in .venv, community.docker in .ansible,
Docker Engine, and an image of a plain server for Debian 12 and 13.
"""
EPILOG = """\
The tools by hand:  . .venv/bin/activate; molecule test -s NAME; ansible-playbook …
Another Python:     PYTHON=python3.13 ./dev …    (with a virtual environment of its own)
What a test does:   tail -f .ansible/logs/*      (one that fails shows it all by itself)
"""


def main():
    """Do what the arguments ask for; return the exit code."""
    # As every command in a pipe: `./dev test | head` ends without a word.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    arguments = parser().parse_args()
    try:
        ensure_tools()
        return arguments.work(arguments)
    except Failure as failure:
        say(f"\ndev: {failure}")
        return 1
    except KeyboardInterrupt:
        say("\ndev: interrupted; the next run goes on with what is there")
        return 130


def parser():
    """Return the parser: every command with the work that answers to it and returns the exit code."""
    top = argparse.ArgumentParser(
        prog="./dev", description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = top.add_subparsers(metavar="COMMAND", required=True)

    def command(name, text, work):
        made = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        made.set_defaults(work=work)
        return made

    trial = command("demo", "deploy the example project on a server in a container, and ask it for a page", run_demo)
    trial.add_argument("--full", action="store_true", help="a project with a database, workers, a job and uploads")
    trial.add_argument("--down", action="store_true", help="remove that server, and that of --full")
    every = command("test", "run all of the following, on Debian 12 and 13", run_tests)
    full(every)
    command("unit", "run the unit tests", lambda _: run_all(tests.unit()))
    command("lint", "run the linters and ansible-test sanity", lambda _: run_all(lint()))
    some = command("molecule", "run Molecule's scenarios", run_molecule)
    some.add_argument("names", metavar="NAME", nargs="*", help="a scenario (default: all of them)")
    full(some)
    trial = command("gapless", "have releases take over under load, and count what that loses", run_gapless)
    trial.add_argument("number", metavar="N", type=int, nargs="?", default=100, help="handovers (default: 100)")
    trial.add_argument("--workers", choices=["sync", "gthread", "asgi"], default="sync", help="(default: sync)")
    trial.add_argument("--debian", choices=["bookworm", "trixie"], default="bookworm", help="(default: bookworm)")
    trial = command("bench", "measure deploys, serving and handovers beside the usual ways (docs/bench)", run_bench)
    trial.add_argument("parts", metavar="PART", nargs="*", help=f"{', '.join(PARTS)} (default: all)")
    trial.add_argument("--runs", metavar="N", type=int, default=3, help="how often each is measured (default: 3)")
    command("tables", "write the tables of variables in the roles' READMEs, from their argument_specs", write_tables)
    command("setup", "only set up what the tests need", set_up)
    return top


def full(command):
    """Let a command take the option that runs every scenario everywhere."""
    text = "run each scenario on both Debians, also where one is enough from day to day"
    command.add_argument("--full", action="store_true", help=text)


def run_tests(arguments):
    """Run all checks, and say what only more of them would show."""
    return run_all(tests.everything(arguments.full), tests.left_out([], arguments.full))


def run_molecule(arguments):
    """Run scenarios, and say what only more of them would show."""
    names = arguments.names
    return run_all(tests.molecule(names, arguments.full), tests.left_out(names, arguments.full))


def run_demo(arguments):
    """Put up the demo, or take it down."""
    return demo.down() if arguments.down else demo.up(demo.FULL if arguments.full else demo.SMALL)


def run_gapless(arguments):
    """Count what handovers lose."""
    return gapless(arguments.number, arguments.workers, arguments.debian)


def run_bench(arguments):
    """Measure what the arguments name."""
    return bench(arguments.parts, arguments.runs)


def write_tables(_arguments):
    """Bring the READMEs of the roles up to date."""
    run(VENV / "bin" / "python", ROOT / "tools" / "tables.py")
    return 0


def set_up(_arguments):
    """Do what every command does before its own work."""
    tests.ensure_servers()
    say("all that the tests need is there")
