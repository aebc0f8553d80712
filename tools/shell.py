"""Run commands, say what is going on and how long it took, fail with one clear message."""

import contextlib
import hashlib
import os
import pathlib
import shlex
import shutil
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
# By what the containers of one checkout are told from those of another; the inventories say the same in their own words.
PROJECT = hashlib.sha256(str(ROOT).encode()).hexdigest()[:6]


class Failure(Exception):
    """What went wrong and what to do about it; shown to the person as it is."""


# The notes of the step whose line waits for its end.
_line = {"of": None}


def say(text="", end="\n"):
    """Print at once, also into a pipe, and never into the line of a step."""
    print("\n" * (_line["of"] is not None) + text, end=end, flush=True)
    _line["of"] = None


@contextlib.contextmanager
def step(what):
    """Name the work before it starts; when it is done, the seconds it took and the notes that were yielded."""
    start = time.monotonic()
    notes = []
    say(f"· {what} … ", end="")
    _line["of"] = notes
    try:
        yield notes
    except BaseException:
        notes.insert(0, "failed")
        raise
    finally:
        outcome = ", ".join([f"{time.monotonic() - start:.1f} s", *notes])
        # Whatever was said meanwhile has ended this step's line.
        if _line["of"] is notes:
            _line["of"] = None
            say(outcome)
        else:
            say(f"· {what}: {outcome}")


def run(*argv, env=None, timeout=None):
    """Run a command quietly in the checkout and return its output; its last words are the failure's message."""
    command = [str(arg) for arg in argv]
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        raise Failure(f"{command[0]}: command not found") from None
    except subprocess.TimeoutExpired:
        raise Failure(f"{shlex.join(command)}: no end after {timeout} s") from None
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()[-15:]
        raise Failure("\n  ".join([f"{shlex.join(command)} ended with {done.returncode}:", *words]))
    return done.stdout


def succeeds(*argv, **options):
    """Whether a command ends well."""
    try:
        run(*argv, **options)
    except Failure:
        return False
    return True


def as_root(need, remedy):
    """Return what to put before a command that needs root; else say the need, and what the person can do."""
    if os.geteuid() == 0:
        return ()
    if shutil.which("sudo") and succeeds("sudo", "-n", "true"):
        return ("sudo", "-n")
    raise Failure(f"{need}, which takes root, and there is no sudo without a password here. Run: {remedy}")


def apt_install(*packages):
    """Install Debian packages, or say the command that would."""
    need = f"Debian packages are missing: {', '.join(packages)}"
    if not shutil.which("apt-get"):
        raise Failure(f"{need}. There is no apt-get here: install the like of them, then run this again.")
    install = ("apt-get", "install", "--yes", "--no-install-recommends", *packages)
    prefix = as_root(need, f"sudo apt-get update && sudo {shlex.join(install)}")
    with step(f"apt-get install {' '.join(packages)}"):
        run(*prefix, "apt-get", "update")
        run(*prefix, "env", "DEBIAN_FRONTEND=noninteractive", *install)
