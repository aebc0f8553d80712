"""What code that got onto the server tries: each thing that the docs say can't be done. Harmless, whatever works.

tries.py        tries all and prints as JSON what worked, by name, and what came of it
tries.py WHO    tells that to the server's collector (servers.py), if it reaches that
"""

import base64
import contextlib
import ctypes
import glob
import json
import mmap
import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import urllib.request

# Where anybody can write who sees the whole server, and what is whose.
OPEN = "/opt/hostile/open"
SECRETS = {
    "the environment of another app": "/srv/shop/current/env",
    "the key of another app": "/srv/shop/key",
    "the code of another app": "/srv/shop/current/src/shop.py",
    "the settings of another app": "/srv/shop/current/gunicorn.conf.py",
    "the history of another app": "/srv/shop/history.jsonl",
    "the files of another app": "/var/lib/gunicorn-shop/orders",
    "the passwords of the host": "/etc/shadow",
    "the key of a certificate": "/etc/ssl/private/shop.key",
    "the key of the host": "/etc/ssh/ssh_host_ed25519_key",
    "a file of the administrator": "/root/secret",
    "a file in a home": "/home/mallet/secret",
}
_CLONE_NEWUSER = 0x10000000
# Of the folders that the kernel makes, and those where every process has something of its own.
_NOT_WALKED = {"/proc", "/sys", "/dev", "/tmp", "/var/tmp"}


def read():
    """Read what is somebody else's."""
    for name, path in SECRETS.items():
        with contextlib.suppress(OSError):
            yield f"read {name}", len(pathlib.Path(path).read_bytes())


def others_places():
    """Write where everybody may who sees the whole server, and what others will use."""
    for folder in (OPEN, "/etc", "/usr/local/bin", "/usr/local/lib/pyweb-stack", "/var/cache/pyweb-stack", "/srv/shop"):
        with contextlib.suppress(OSError), tempfile.NamedTemporaryFile(dir=folder):
            yield f"write to {folder}", folder


def write():
    """Write outside of one's own, wherever that is allowed."""
    for folder, folders, files in os.walk("/"):
        folders[:] = [each for each in folders if os.path.join(folder, each) not in {*_NOT_WALKED, *_own()}]
        places = [folder, *(os.path.join(folder, each) for each in files)]
        # A mount that is read-only refuses as well; a link is what it leads to, a socket is connected to.
        there = [each for each in places if os.access(each, os.W_OK) and not os.path.islink(each)]
        for place in there[:1]:
            if not stat.S_ISSOCK(os.stat(place).st_mode):
                yield f"write below {'/'.join(folder.split('/')[:3])}", place


def execute():
    """Execute a program, or machine code, that one wrote."""
    for folder in (*_own(), "/tmp", "/var/tmp", "/dev/shm", OPEN):
        with contextlib.suppress(OSError):
            handle, program = tempfile.mkstemp(dir=folder)
            os.close(handle)
            try:
                shutil.copy("/bin/true", program)
                os.chmod(program, 0o755)
                subprocess.run([program], check=True)
                yield f"execute what is in {os.path.dirname(program)}", program
            finally:
                os.unlink(program)
    with contextlib.suppress(OSError), os.fdopen(os.memfd_create("it", 0), "wb") as program:
        program.write(pathlib.Path("/bin/true").read_bytes())
        program.flush()
        subprocess.run([f"/proc/self/fd/{program.fileno()}"], pass_fds=[program.fileno()], check=True)
        yield "execute what is in memory", program.fileno()
    with contextlib.suppress(OSError):
        mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()
        yield "make machine code in memory", 4096


def see():
    """See what others do."""
    others = [each for each in glob.glob("/proc/[0-9]*") if _owner(each) not in (None, os.getuid())]
    if others:
        yield "see the processes of others", len(others)
    for path in glob.glob("/proc/[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if b"planted-shop" in pathlib.Path(path).read_bytes():
                yield "see the environment of a process of another app", path
    journal = subprocess.run(["journalctl", "--lines=1", "--quiet"], capture_output=True, check=False).stdout
    if journal:
        yield "see the journal", len(journal)


def passwords():
    """Find the passwords of the index and of a proxy, or have what else is on the server of the index."""
    told = [*glob.glob("/proc/[0-9]*/environ"), *glob.glob("/proc/[0-9]*/cmdline")]
    for path in told:
        with contextlib.suppress(OSError):
            text = pathlib.Path(path).read_bytes()
            for whose, user in (("index", b"reader"), ("proxy", b"clerk")):
                password = b"planted-" + whose.encode()
                if password in text or base64.b64encode(user + b":" + password) in text:
                    yield f"know the password of the {whose}", path
    # A proxy answers with what it was told.
    before, at, place = os.environ.get("http_proxy", "").removeprefix("http://").rpartition("@")
    if at:
        known = base64.b64encode(before.encode())
        question = b"TRACE http://index.example/ HTTP/1.1\r\nHost: index.example\r\nProxy-Authorization: Basic " + known
        host, _colon, port = place.strip("/").partition(":")
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(question + b"\r\n\r\n")
            if base64.b64encode(b"clerk:planted-proxy") in connection.recv(1 << 16):
                yield "know the password of the proxy", "by TRACE"
    # The address that packages are to be had from, and who may have them there.
    before, at, place = os.environ.get("UV_DEFAULT_INDEX", "").removeprefix("http://").rpartition("@")
    if at:
        headers = {"Authorization": "Basic " + base64.b64encode(before.encode()).decode()}
        for path in ("/private", "/simple/../private", "/simple/%2e%2e/private"):
            request = urllib.request.Request(f"http://{place.partition('/')[0]}{path}", headers=headers)
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with contextlib.suppress(OSError), opener.open(request, timeout=5) as answer:
                yield "read what else is on the server of the index", answer.read(99).decode()


def connect():
    """Connect to what is somebody else's, or by what is no web."""
    for path in [*glob.glob("/run/gunicorn-shop/*.sock"), "/srv/shop/current/app.sock", "/run/systemd/private"]:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
            yield f"connect to {'another app' if 'shop' in path else 'systemd'}", path
    for name, family, kind in (
        ("netlink", socket.AF_NETLINK, socket.SOCK_RAW),
        ("packet", socket.AF_PACKET, socket.SOCK_RAW),
        ("raw IP", socket.AF_INET, socket.SOCK_RAW),
    ):
        with contextlib.suppress(OSError), socket.socket(family, kind, socket.IPPROTO_ICMP * (family == 2)):
            yield f"open a {name} socket", family


def rise():
    """Get more rights, or what only a system has."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.getuid() == 0:
        yield "be root", os.getuid()
    status = pathlib.Path("/proc/self/status").read_text(encoding="utf-8")
    fields = dict(line.split(":", 1) for line in status.splitlines())
    for name in ("CapPrm", "CapBnd"):
        if int(fields[name], 16):
            yield f"have capabilities ({name})", fields[name].strip()
    if fields["NoNewPrivs"].strip() == "0":
        yield "gain rights by a program of root's", 0
    if libc.mount(b"none", b"/mnt", b"tmpfs", 0, None) == 0:
        libc.umount(b"/mnt")
        yield "mount", "/mnt"
    child = os.fork()
    if not child:
        os._exit(0 if libc.unshare(_CLONE_NEWUSER) == 0 else 1)
    if os.waitpid(child, 0)[1] == 0:
        yield "make a namespace", _CLONE_NEWUSER
    with contextlib.suppress(OSError):
        os.kill(1, 0)
        yield "signal the first process", signal.Signals(1).name
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(OSError):
        path = os.path.join(folder, "it")
        pathlib.Path(path).touch()
        os.chmod(path, 0o4755)
        if os.stat(path).st_mode & stat.S_ISUID:
            yield "make a program that lends rights", path
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(OSError):
        os.mknod(os.path.join(folder, "it"), stat.S_IFCHR | 0o600, os.makedev(1, 1))
        yield "make a device", folder
    with contextlib.suppress(OSError):
        socket.sethostname(socket.gethostname())
        yield "name the host", socket.gethostname()


def source():
    """Read what is secret in the source that one is built for, which the app itself may."""
    for path in glob.glob("/srv/*/sources/*/.env"):
        with contextlib.suppress(OSError):
            if pathlib.Path(path).read_bytes():
                yield "read a secret file of the source", path


# Without a walk through all folders, and without what a build may do: try a program that it compiled.
QUICKLY = (read, others_places, see, passwords, connect, rise)
BUILDING = (*QUICKLY, source)


def worked(*groups):
    """Return what worked of these groups, of all without one, by name."""
    found = {}
    for group in groups or (read, others_places, write, execute, see, passwords, connect, rise):
        found.update((name, str(how)) for name, how in group())
    return found


def mark(who, *groups):
    """Tell the collector what worked, as I(who); groups as in L(worked)."""
    report = {"who": who, "uid": os.getuid(), "worked": worked(*groups)}
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", 8003), timeout=5) as connection:
        connection.sendall(json.dumps(report).encode())


def _own():
    """Return the folders that it was given to write: its state, and what the variable OWN names."""
    named = [os.environ.get("STATE_DIRECTORY", ""), *os.environ.get("OWN", "").split(":")]
    return [os.path.abspath(each) for each in named if each]


def _owner(path):
    with contextlib.suppress(OSError):
        return os.stat(path).st_uid
    return None


if __name__ == "__main__":
    if sys.argv[1:]:
        mark(sys.argv[1])
    else:
        print(json.dumps(worked()))
