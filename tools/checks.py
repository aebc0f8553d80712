"""All that is checked, each as a name and what it calls; what fails leaves its output behind."""

import concurrent.futures
import contextvars
import os
import signal
import subprocess
import threading
import time

from tools.shell import ROOT, Failure, say, step

# Molecule and Ansible colour and fold what they say as if for a narrow terminal.
PLAIN = {"NO_COLOR": "1", "COLUMNS": "160"}
LOGS = ROOT / ".ansible" / "logs"
# Servers at a time: with more than two a core, apps that start meet the end of the patience with them.
SERVERS = 2 * (os.cpu_count() or 1)
# By how much what needs no server is less urgent than what has one.
NICE = 5
# What runs now, to be ended with this.
RUNNING = set()
# The check that runs here, if it is one.
CURRENT = contextvars.ContextVar("CURRENT", default=None)


class Check:
    """A named call that raises Failure if what it checks is not so; on which servers, if it takes any."""

    def __init__(self, name, call, *argv, where=()):
        self.name, self.call, self.argv, self.where = name, call, argv, where
        self.seconds, self.cpu, self.passed = 0.0, 0.0, False

    def run(self):
        """Do it; tell the person of it and, if it failed, why."""
        start = time.monotonic()
        CURRENT.set(self)
        try:
            with step(", ".join([self.name, *self.where])) as notes:
                self.call(*self.argv)
                notes += [f"{self.cpu:.1f} s of CPU"] * bool(self.cpu)
            self.passed = True
        except Failure as failure:
            say(f"{failure}\n")
        self.seconds = time.monotonic() - start


class Lanes:
    """Checks that have nothing to do with each other: those on servers begin in their order, as soon as there is room.

    The others are done beside them, one after the other, in what those leave of the machine as they wait.
    """

    def __init__(self, checks):
        self.checks = checks
        self._room = threading.Semaphore(SERVERS)

    def run(self):
        """Do them; whoever interrupts that ends all that run."""
        # The priority is that of a thread, and of all that it starts.
        beside = concurrent.futures.ThreadPoolExecutor(1, initializer=os.nice, initargs=(NICE,))
        with beside, concurrent.futures.ThreadPoolExecutor(SERVERS) as lanes:
            try:
                begun = [beside.submit(check.run) for check in self.checks if not check.where]
                for check in self.checks:
                    for _server in check.where:
                        self._room.acquire()
                    if check.where:
                        begun.append(lanes.submit(self._on_servers, check))
                concurrent.futures.wait(begun)
            except KeyboardInterrupt:
                beside.shutdown(wait=False, cancel_futures=True)
                for process in RUNNING:
                    os.killpg(process.pid, signal.SIGTERM)
                raise

    def _on_servers(self, check):
        try:
            check.run()
        finally:
            self._room.release(len(check.where))


def spent(seconds):
    """Add CPU seconds to what the check that runs here has taken."""
    if check := CURRENT.get():
        check.cpu += seconds


def logged(name, *argv, env=None, cwd=ROOT, minutes=40):
    """Run a command with its output in a file, so that it can be followed; return it, or show it all in a failure."""
    LOGS.mkdir(parents=True, exist_ok=True)
    path = LOGS / f"{name.replace(' ', '-')}.log"
    with open(path, "w", encoding="utf-8") as log:
        try:
            code = supervised(argv, minutes * 60, env={**os.environ, **PLAIN, **(env or {})}, cwd=cwd, stdout=log)
            end = f"exit code {code}"
        except subprocess.TimeoutExpired:
            code = end = f"no end after {minutes} minutes"
    output = path.read_text(encoding="utf-8", errors="replace")
    if code:
        raise Failure(f"{output}\n{name}: {end}; all of this is in {path.relative_to(ROOT)}")
    return output


def supervised(argv, seconds, **options):
    """Run a command and return its exit code; raise TimeoutExpired after so many seconds.

    When it has to go, so does all that it has started.
    """
    command = [str(arg) for arg in argv]
    streams = {"stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, start_new_session=True, **streams, **options) as process:
        RUNNING.add(process)
        try:
            return ended(process, seconds)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            os.killpg(process.pid, signal.SIGTERM)
            raise
        finally:
            RUNNING.remove(process)


def ended(process, seconds):
    """Wait for a process, as Popen.wait() does, which doesn't tell what CPU time that and what it started have taken."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            spent(usage.ru_utime + usage.ru_stime)
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode
        time.sleep(0.1)
    raise subprocess.TimeoutExpired(process.args, seconds)


def run_all(checks, note=""):
    """Run every check, whatever the others say; close with a table and a note, and return the exit code."""
    start = time.monotonic()
    for check in checks:
        check.run()
    checks = [one for check in checks for one in (check.checks if isinstance(check, Lanes) else [check])]
    rows = [(check.name, ", ".join(check.where), check) for check in checks]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    say()
    for name, where, check in rows:
        times = f"{check.seconds:7.1f} s  {check.cpu:7.1f} s of CPU"
        say(f"  {name:{widths[0]}}  {where:{widths[1]}}  {times}  {'ok' if check.passed else 'FAILED'}")
    passed = sum(check.passed for check in checks)
    cpu = sum(check.cpu for check in checks)
    failed = len(checks) - passed
    say(f"\n{passed} passed, {failed} failed, in {time.monotonic() - start:.0f} s, with {cpu:.0f} s of CPU")
    if note:
        say(f"\n{note}")
    return int(passed < len(checks))
