"""The checks that read the code: linters, types, the changelog, ansible-test sanity, and what Galaxy says of a tarball."""

import os
import pathlib
import shutil
import tempfile

from tools.checks import Check, logged
from tools.setup import MINOR, VENV
from tools.shell import ROOT, Failure, run

LINTERS = {
    "ruff check": ("ruff", "check", "."),
    "ruff format": ("ruff", "format", "--check", "."),
    "yamllint": ("yamllint", "--strict", "."),
    "ansible-lint": ("ansible-lint",),
    "mypy": ("mypy", "--package", "ansible_collections.pyweb.stack.plugins"),
    "changelog": ("antsibull-changelog", "lint"),
}


# What ansible-lint reads from day to day: what people run. The examples and the tests' own take four times as long.
PRODUCT = ("roles", "playbooks", "site.yml")
# What of ansible-test sanity is left out from day to day: what ruff and yamllint find, and what the unit tests show of one Python.
SPARED = [f"--skip-test={name}" for name in ("pylint", "pep8", "yamllint", "compile", "import")]
ONLY_FULL = (
    "branch coverage, unit tests that are slow and rows of them that are alike, galaxy-importer, ansible-lint of examples/, molecule/ and bench/, "
    "ansible-test's pylint, pep8 and yamllint, and its imports by each Python"
)


def lint(full=True):
    """Return the checks of the code as it stands; without `full` those that find most for what they take."""
    linters = {**LINTERS, "ansible-lint": (*LINTERS["ansible-lint"], *(() if full else PRODUCT))}
    checks = [Check(name, logged, name, *argv) for name, argv in linters.items()]
    sane = Check("ansible-test sanity", sanity, *([] if full else SPARED))
    # It runs the linters once more.
    return [*checks, *[Check("galaxy-importer", importer)] * full, sane]


def importer():
    """Have Galaxy's own importer take the tarball, which it does without a word of warning."""
    with tempfile.TemporaryDirectory() as folder:
        logged("importer", "ansible-galaxy", "collection", "build", ROOT, "--output-path", folder)
        (tarball,) = pathlib.Path(folder).glob("*.tar.gz")
        # It writes its result where it runs.
        said = logged("importer", VENV / "bin" / "python", "-m", "galaxy_importer.main", tarball, cwd=folder)
    if told := [line for line in said.splitlines() if line.startswith(("WARNING:", "ERROR:"))]:
        raise Failure("\n".join(told))


def sanity(*options):
    """Run ansible-test sanity, for every Python that is here unless the options say otherwise."""
    prepare_pip()
    # pyenv's shims answer for the chosen versions only; ansible-test trusts the first python3.x on PATH.
    pyenv = pathlib.Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    path = [str(VENV / "bin"), *map(str, sorted(pyenv.glob("versions/3.*/bin"))), os.environ["PATH"]]
    with tempfile.TemporaryDirectory() as folder:
        # It takes a collection only where the last folders are called like this, and follows no link.
        tree = pathlib.Path(folder) / "ansible_collections" / "pyweb" / "stack"
        copy_to(tree)
        command = ("ansible-test", "sanity", "--color", "no", *options)
        output = logged("sanity", *command, cwd=tree, env={"PATH": os.pathsep.join(path)})
    if "All targets skipped" in output:
        raise Failure(f"ansible-test found nothing to test in {tree}")


def copy_to(tree):
    """Copy what git has or would add."""
    for name in run("git", "-C", ROOT, "ls-files", "-coz", "--exclude-standard").split("\0"):
        # A file that was deleted is still in the index.
        if name and (ROOT / name).exists():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name, follow_symlinks=False)


def prepare_pip():
    """Spare ansible-test the download of a script that installs pip: Python brings one along."""
    question = (
        "import types; from ansible_test._internal.python_requirements import get_venv_packages as packages;"
        f"print(packages(types.SimpleNamespace(version='{MINOR}'))['pip'])"
    )
    version = run(VENV / "bin" / "python", "-c", question).strip()
    script = pathlib.Path(f"~/.ansible/test/cache/get_pip_{version.replace('.', '_')}.py").expanduser()
    if not script.exists():
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text("import ensurepip\n\nensurepip.bootstrap()\n", encoding="utf-8")
