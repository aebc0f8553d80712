"""Docker Engine: use the one that answers, else install it where that is allowed, and start it."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import time

from tools.shell import Failure, apt_install, as_root, run, step

LOG = pathlib.Path("/var/log/pyweb-stack-dockerd.log")
# Where the kernel counts the CPU time of a container, and in which part of a second: cgroups v1 and v2.
COUNTERS = {
    "/sys/fs/cgroup/cpuacct/docker/{}/cpuacct.usage": 1e9,
    "/sys/fs/cgroup/docker/{}/cpu.stat": 1e6,
    "/sys/fs/cgroup/system.slice/docker-{}.scope/cpu.stat": 1e6,
}
PIDS = {"dockerd": "/var/run/docker.pid", "containerd": "/var/run/docker/containerd/containerd.pid"}


def docker(*argv, **options):
    """Run the docker command, with the builder that needs no plugin."""
    return run("docker", *argv, env={"DOCKER_BUILDKIT": "0"}, **options)


def cpu_seconds(container):
    """Return the CPU time that a container has taken since it was last started, 0 where it can't be told; by its whole id."""
    for path, part in COUNTERS.items():
        with contextlib.suppress(OSError):
            counter = pathlib.Path(path.format(container)).read_text(encoding="ascii")
            return int(counter.removeprefix("usage_usec").split()[0]) / part
    return 0.0


def trouble():
    """Return why no engine answers, nothing if one does."""
    try:
        docker("info", timeout=30)
    except Failure as failure:
        if "permission denied" in str(failure):
            remedy = "sudo usermod --append --groups docker $USER"
            raise Failure(f"Docker Engine runs, but not for you. Run: {remedy}; then log in again.") from None
        return str(failure)
    return None


def ensure_engine():
    """Leave with an engine that answers, or with a message of what to do."""
    if not trouble():
        return
    if not shutil.which("dockerd", path="/usr/sbin:/usr/local/sbin:" + os.environ["PATH"]):
        apt_install("docker.io", "iptables", "ca-certificates")
    with step("start Docker Engine"):
        start(as_root("Docker Engine has to be started", "sudo systemctl start docker"))
        wait()


def start(prefix):
    """Start the engine: by systemd where it runs, else by hand."""
    if pathlib.Path("/run/systemd/system").is_dir():
        run(*prefix, "systemctl", "start", "docker")
        return
    forget_the_dead(prefix)
    # A session and a log of its own: it has to survive this command and its terminal.
    command = [*prefix, "sh", "-c", f"exec dockerd >>{LOG} 2>&1"]
    subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, cwd="/")


def forget_the_dead(prefix):
    """Remove what a killed engine left behind: it would take another process of that number for itself."""
    for name, path in PIDS.items():
        try:
            pid = pathlib.Path(path).read_text(encoding="ascii").strip()
            alive = pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
        except OSError:
            continue
        if alive != name:
            run(*prefix, "rm", "--force", path)


def wait(seconds=60):
    """Wait until the engine answers."""
    end = time.monotonic() + seconds
    while why := trouble():
        if time.monotonic() > end:
            where = LOG if LOG.exists() else "journalctl --unit docker"
            raise Failure(f"Docker Engine was started but does not answer; see {where}\n  {why}")
        time.sleep(0.2)
