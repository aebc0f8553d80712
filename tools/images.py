"""The images of the test servers: a Debian base, on it what a plain server has, and on that what the roles install."""

import hashlib
import pathlib
import platform
import re
import shutil
import tempfile

from tools.engine import docker
from tools.shell import ROOT, Failure, apt_install, as_root, run, step

SUITES = ("bookworm", "trixie")
# The folders of the images, each made on the one before.
PLAIN, EQUIPPED = ROOT / "tools" / "image", ROOT / "tools" / "equipped"
# Where the installer that the roles fetch is pinned.
UV = ROOT / "plugins" / "module_utils" / "_venv" / "uv.py"
HOST_CA = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
# What this host's apt needs to get on with its mirror, a container on it needs as well.
APT_SETTINGS = ("Acquire::http::Proxy", "Acquire::https::Proxy", "Acquire::Check-Valid-Until", "Acquire::Check-Date")
LABEL = "pyweb-stack.inputs"


def ensure_images(suites=SUITES, equipped=True):
    """Leave with the server images of these Debian suites, made of what is here now; the plain ones alone, if told."""
    for suite in suites:
        plain = ensure_image(f"pyweb-stack/server:{suite}", ensure_base(suite), PLAIN)
        if equipped:
            ensure_image(f"pyweb-stack/equipped:{suite}", plain, EQUIPPED)


def ensure_image(image, base, folder):
    """Make an image on another one by the Dockerfile in a folder, unless it is made of just that; return its name."""
    with tempfile.TemporaryDirectory() as context:
        digest = fill(pathlib.Path(context), base, folder)
        if inspect(image, f'{{{{index .Config.Labels "{LABEL}"}}}}') != digest:
            with step(f"docker build {image}"):
                labels = (f"--label={LABEL}={digest}", "--label=owner=pyweb-stack")
                docker("build", "--force-rm", f"--build-arg=BASE={base}", f"--tag={image}", *labels, context)
                # The one that lost its name to it is of no use any more.
                docker("image", "prune", "--force", "--filter=label=owner=pyweb-stack")
    return image


def inspect(image, what):
    """Return a property of an image, nothing where there is no such image."""
    try:
        return docker("image", "inspect", f"--format={what}", image).strip()
    except Failure:
        return None


def fill(context, base, folder):
    """Put together what an image is built from; return its digest."""
    shutil.copytree(folder, context, dirs_exist_ok=True)
    shutil.copyfile(HOST_CA if HOST_CA.exists() else "/dev/null", context / "host-ca.crt")
    (context / "apt.conf").write_text(apt_settings(), encoding="utf-8")
    if folder == EQUIPPED:
        (context / "uv.txt").write_text(pinned_uv(), encoding="utf-8")
    digest = hashlib.sha256(inspect(base, "{{.Id}}").encode())
    for path in sorted(context.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def apt_settings():
    """Return those settings of the host's apt that the mirror asks for."""
    if not shutil.which("apt-config"):
        return ""
    return "".join(f"{line}\n" for line in run("apt-config", "dump").splitlines() if line.startswith(APT_SETTINGS))


def pinned_uv():
    """Return the requirement of the installer that the roles fetch, as pip reads it from a file."""
    text = UV.read_text(encoding="utf-8")
    hashes = re.findall(r'^    "([0-9a-f]{64})",$', text, re.MULTILINE)
    version = re.search(r'^VERSION = "(.+)"$', text, re.MULTILINE)[1]
    return " ".join([f"uv=={version}", *(f"--hash=sha256:{each}" for each in hashes)])


def ensure_base(suite):
    """Return the name of a bare Debian image: the one that is here, the official one, or one made here."""
    official, own = f"debian:{suite}", f"pyweb-stack/base:{suite}"
    for name in (official, own):
        if inspect(name, "{{.Id}}"):
            return name
    with step(f"docker pull {official}") as notes:
        try:
            docker("pull", "--quiet", official, timeout=90)
            return official
        except Failure:
            notes.append("not to be had here, so mmdebstrap makes the like")
    bootstrap(suite, own)
    return own


def bootstrap(suite, name):
    """Make a bare Debian image from the packages of a mirror."""
    if not shutil.which("mmdebstrap"):
        apt_install("mmdebstrap", "debian-archive-keyring")
    need = "mmdebstrap makes a file system with Debian's owners and modes"
    prefix = as_root(need, f"docker pull debian:{suite}, where it can be had, or this as root")
    with step(f"mmdebstrap {suite}, docker import"), tempfile.TemporaryDirectory() as folder:
        tar = pathlib.Path(folder) / "base.tar"
        run(*prefix, "mmdebstrap", "--variant=minbase", suite, tar, *mirrors(suite))
        docker("import", "--change=LABEL owner=pyweb-stack", tar, name)


def mirrors(suite):
    """Return apt's lines for a suite on the mirrors of this host, if it is a Debian; mmdebstrap knows others."""
    release = platform.freedesktop_os_release()
    code = release.get("VERSION_CODENAME")
    if release.get("ID") != "debian" or not code:
        return []
    targets = run("apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)", "Created-By: Packages").splitlines()
    found = dict(target.split(" ", 1) for target in reversed(targets))
    wanted = {pocket: found.get(code + pocket) for pocket in ("", "-updates", "-security")}
    return [f"deb {uri} {suite}{pocket} main" for pocket, uri in wanted.items()] if all(wanted.values()) else []
