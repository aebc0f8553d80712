# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build a virtual environment. Private to the collection."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Collection, Iterator

from ansible_collections.pyweb.stack.plugins.module_utils._host import files, sandboxes, sealing, systemd
from ansible_collections.pyweb.stack.plugins.module_utils._host.shell import Done
from ansible_collections.pyweb.stack.plugins.module_utils._venv import failed_builds, standins, steps, uv
from ansible_collections.pyweb.stack.plugins.module_utils._venv.inputs import Inputs
from ansible_collections.pyweb.stack.plugins.module_utils._venv.requirements import RequirementsError

_RECORD = "installed.txt"


# Has a copy of a repository in a folder that isn't there: its URL, the versions that are wanted, the folder. Raises
# RequirementsError.
Mirror = Callable[[str, Collection[str], str], None]


def build(
    app: str,
    inputs: Inputs,
    stage: str,
    place: str,
    index: uv.Index,
    installer: type[uv.Uv] = uv.Uv,
    mirror: Mirror | None = None,
    secrets: Collection[str] = (),
) -> list[str]:
    """Install everything into an environment of `app` in the empty folder `stage`, which is to be renamed to `place`.

    What is installed comes from `index`, by `installer`, and from what `mirror` brings of repositories that take an ssh key.
    `secrets` are the files of the source that no build must see.
    Returns what people should know of it. Raises RequirementsError or UvError, or OSError.
    """
    # As the stage of an environment: a later run clears away what a killed one left. No account but root can enter.
    with tempfile.TemporaryDirectory(prefix=".stage-", dir=os.path.dirname(stage)) as work:
        made, told = _folder(work, "venv", 0o777), _folder(work, "told", 0o755)
        another = [sentence for sentence in [inputs.another_python()] if sentence]
        mirrored, failures = _mirrored(inputs, mirror, told) if mirror else ({}, [])
        with (
            standins.without_passwords(index) as open_index,
            _inside(app, inputs, secrets, work, open_index, {told: told}, {place: made}) as run,
        ):
            tool = installer(open_index, run, {**inputs.told, **mirrored})
            new = ["venv", "--quiet", "--relocatable", "--allow-existing", f"--python={inputs.python}", place]
            tool.require(*new, variable="gunicorn_python")
            try:
                got = steps.install(inputs, _Workshop(inputs, place, tool, told))
            except uv.UvError as error:
                # It may do without what could not be had.
                raise uv.UvError("\n".join([*failures, _noted(app, str(error)), *another])) from error
            tool.compile(place)
        try:
            sealing.seal(made, leads_out={os.path.realpath(inputs.python)}, bounded=False)
        except sealing.SealError as error:
            raise RequirementsError(
                f"gunicorn_requirements_file or gunicorn_requirements: what they install can't be used: {error}"
            ) from error
        # Not through what a build may have left of that name.
        files.replace(os.path.join(made, _RECORD), "".join(f"{line}\n" for line in got.packages))
        os.rename(made, stage)
    return [*got.notes, *another]


def installed(venv: str) -> list[str]:
    """Return what is in an environment, each as `name==version`."""
    with open(os.path.join(venv, _RECORD), encoding="utf-8") as record:
        return record.read().splitlines()


def foreign_python(venv: str) -> str:
    """Return the folder of the interpreter of an environment, with its libraries, where it isn't one of Debian's."""
    folder = os.path.dirname(os.path.dirname(os.path.realpath(os.path.join(venv, "bin", "python"))))
    return "" if folder == "/usr" else folder


class _Workshop:
    """Where `tool` makes the environment `venv`; it reads what lies in the folder `told`."""

    def __init__(self, inputs: Inputs, venv: str, tool: uv.Uv, told: str):
        self._inputs = inputs
        self._venv = venv
        self._tool = tool
        self._told = told

    def install(self, arguments: list[str], variable: str) -> list[str]:
        return self._tool.install(f"{self._venv}/bin/python", arguments, variable, self._inputs.file.folder)

    def ask(self, *arguments: str) -> Done:
        return self._tool.ask(*arguments, f"--python={self._inputs.python}", cwd=self._inputs.file.folder)

    def hand(self, name: str, *lines: str) -> str:
        return _write(self._told, name, *lines)


def _noted(app: str, said: str) -> str:
    """Return the end of what a failed build said; the whole is in the journal."""
    short = failed_builds.shortened(said)
    if short.split() == said.split():
        return said
    systemd.note(app, said)
    return f"{short}\nall it said: journalctl --identifier=gunicorn-{app}"


def _mirrored(inputs: Inputs, mirror: Mirror, told: str) -> tuple[dict[str, str], list[str]]:
    """Have repositories that take a key where a build can read them; return what has git find them there, and what failed.

    A build knows no key: code of the package's author runs in it.
    """
    lines, failures = ["[safe]", "directory = *"], []
    for number, (url, versions) in enumerate(inputs.repositories.items()):
        folder = os.path.join(told, f"repository-{number}")
        try:
            mirror(url, versions, folder)
        except RequirementsError as error:
            failures.append(str(error))
        else:
            lines += [f'[url "file://{folder}"]', f'insteadOf = "{url}"']
    return {"GIT_CONFIG_GLOBAL": _write(told, "gitconfig", *lines)} if inputs.repositories else {}, failures


@contextlib.contextmanager
def _inside(
    app: str,
    inputs: Inputs,
    secrets: Collection[str],
    work: str,
    index: uv.Index,
    reads: dict[str, str],
    writes: dict[str, str],
) -> Iterator[sandboxes.Run]:
    """Yield what runs commands where the inputs are seen, and nothing but `writes` can be written.

    Building a package leaves files in its folder. So where the source is to be built, a copy of it is in its place:
    paths that are recorded, such as those of editable packages, are right, and the sealed source stays as it is.
    """
    sealed = os.path.join(work, "sealed")
    seen = [*index.paths(), *sandboxes.interpreter(inputs.python)]
    if inputs.local and inputs.source:
        reads, writes = {**reads, sealed: inputs.source}, {**writes, inputs.source: _folder(work, "source", 0o777)}
    elif inputs.source:
        seen.append(inputs.source)
    if inputs.source:
        # But not of what says what is needed.
        hidden = {os.path.normpath(path) for path in secrets} - set(inputs.file.texts)
        reads = {**reads, **sandboxes.covers(inputs.source, hidden, sealed if sealed in reads else inputs.source, work)}
    sandbox = sandboxes.Sandbox(
        app,
        "build the packages",
        reads={**{path: path for path in seen if os.path.exists(path)}, **reads},
        writes=writes,
        network=not index.offline(),
        cache=index.cache is not None,
    )
    with sandbox.entered(uv.END) as run:
        if sealed in reads:
            copied = run(["cp", "--recursive", "--no-dereference", f"{sealed}/.", inputs.source], seconds=uv.END)
            if copied.returncode:
                raise OSError(f"the source can't be copied for a build: {copied.stderr.strip()}")
        yield run


def _folder(work: str, name: str, mode: int) -> str:
    path = os.path.join(work, name)
    os.mkdir(path)
    os.chmod(path, mode)
    return path


def _write(folder: str, name: str, *lines: str) -> str:
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))
    # Whatever root's umask: who installs reads it.
    os.chmod(path, 0o644)
    return path
