"""The tools in a virtual environment of the checkout, and the collections that they look for."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import zipfile

from tools.shell import ROOT, apt_install, run, step

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"
# Within an activated virtual environment, sys.executable could be the very one that has to be made anew.
PYTHON = os.path.realpath(sys._base_executable)
VENV = ROOT / (f".venv-{MINOR}" if os.environ.get("PYTHON") else ".venv")
REQUIREMENTS = ROOT / "tools" / "requirements.txt"
COLLECTIONS = ROOT / ".ansible" / "collections"
# Where Molecule looks anyway; told so, it does not advise against it.
GLOB = "MOLECULE_GLOB=molecule/*/molecule.yml"
# community.docker connects to the test servers. No package has it alone, so it comes out of the big one.
BUNDLE = "ansible==14.5.0"
BUNDLED = ("ansible_collections/community/docker/", "ansible_collections/community/library_inventory_filtering_v1/")


def ensure_tools():
    """Leave with the tools first on PATH, and with the collections that they look for."""
    with lock():
        ensure_venv()
        ensure_collections()
    os.environ["PATH"] = f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}"
    os.environ.update([GLOB.split("=")])


@contextlib.contextmanager
def lock():
    """Let one dev at a time set up this checkout."""
    (ROOT / ".ansible").mkdir(exist_ok=True)
    with open(ROOT / ".ansible" / "setup.lock", "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def ensure_venv():
    """Make the virtual environment, unless it is whole and made of the same."""
    # Its scripts hold their own path, so a checkout that was moved needs a new one.
    inputs = "\n".join([PYTHON, sys.version, str(VENV), REQUIREMENTS.read_text(encoding="utf-8")])
    digest = hashlib.sha256(inputs.encode()).hexdigest()
    if made_of(VENV, digest):
        return
    # Debian's Python comes without what makes virtual environments.
    if subprocess.call([PYTHON, "-c", "import ensurepip"], stderr=subprocess.DEVNULL):
        apt_install(f"python{MINOR}-venv")
    with step(f"install the tools for Python {MINOR} into {VENV.name}"):
        shutil.rmtree(VENV, ignore_errors=True)
        run(PYTHON, "-m", "venv", VENV)
        pip("install", f"--requirement={REQUIREMENTS}")
        with open(VENV / "bin" / "activate", "a", encoding="utf-8") as activate:
            activate.write(f"export {shlex.quote(GLOB)}\n")
        (VENV / "complete").write_text(digest, encoding="utf-8")


def ensure_collections():
    """Let Ansible find community.docker, and this checkout as pyweb.stack."""
    link = COLLECTIONS / "ansible_collections" / "pyweb" / "stack"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink() or link.readlink() != ROOT:
        link.unlink(missing_ok=True)
        link.symlink_to(ROOT)
    if made_of(COLLECTIONS, BUNDLE):
        return
    with step("take community.docker out of the ansible package"), tempfile.TemporaryDirectory() as folder:
        # The package wants a newer Python than ours may be, the collection does not.
        newer = ("--only-binary=:all:", "--python-version=3.12")
        pip("download", "--no-deps", *newer, f"--dest={folder}", BUNDLE)
        with zipfile.ZipFile(next(pathlib.Path(folder).glob("*.whl"))) as wheel:
            for path in BUNDLED:
                shutil.rmtree(COLLECTIONS / path, ignore_errors=True)
            wheel.extractall(COLLECTIONS, [name for name in wheel.namelist() if name.startswith(BUNDLED)])
        (COLLECTIONS / "complete").write_text(BUNDLE, encoding="utf-8")


def made_of(folder, inputs):
    """Whether a folder was made of these inputs, to the end."""
    stamp = folder / "complete"
    return stamp.exists() and stamp.read_text(encoding="utf-8") == inputs


def pip(command, *argv):
    """Run the virtual environment's pip."""
    run(VENV / "bin" / "pip", command, "--quiet", "--disable-pip-version-check", *argv)
