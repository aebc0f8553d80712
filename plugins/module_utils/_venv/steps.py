# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is installed into a virtual environment, and in which order. Private to the collection."""

from __future__ import annotations

import typing

from ansible_collections.pyweb.stack.plugins.module_utils._text import naming
from ansible_collections.pyweb.stack.plugins.module_utils._venv.inputs import Inputs
from ansible_collections.pyweb.stack.plugins.module_utils._venv.requirements import RequirementsError


class Workshop(typing.Protocol):
    """Where an environment is made."""

    def install(self, arguments: list[str], variable: str) -> list[str]:
        """Have uv install, and return what there is then, each as `name==version`; what fails names the variable."""

    def ask(self, *arguments: str):
        """Run uv where it needs no packages, and return what it said, whatever its exit status."""

    def hand(self, name: str, *lines: str) -> str:
        """Put a file of this name and lines where uv can read it, and return its path."""


def install(inputs: Inputs, workshop: Workshop) -> list[str]:
    """Install everything, and return what there is then, each as `name==version`. Raises RequirementsError."""
    what, variable, found = inputs.file.arguments(workshop), "gunicorn_requirements_file", []
    if inputs.file.exact:
        found = workshop.install(what, variable)
        # What comes beside must leave it as it is.
        what, variable = [f"--constraint={workshop.hand('exact.txt', *found)}"], "gunicorn_requirements"
    elif inputs.extra:
        variable = "gunicorn_requirements_file or gunicorn_requirements" if what else "gunicorn_requirements"
    if inputs.extra or not inputs.file.exact:
        found = workshop.install([*what, f"--requirement={workshop.hand('extra.txt', *inputs.extra)}"], variable)
    if not _gunicorn(found):
        extra = workshop.hand("extra.txt", *inputs.extra, inputs.gunicorn)
        found = workshop.install([*what, f"--requirement={extra}"], "gunicorn_version")
    version = _gunicorn(found)
    if int(version.partition(".")[0]) < naming.OLDEST_GUNICORN:
        raise RequirementsError(
            f"gunicorn_requirements_file or gunicorn_requirements: they bring gunicorn {version}, but it must be "
            f"{naming.OLDEST_GUNICORN} or newer: have them name such a one, or none"
        )
    return found


def _gunicorn(found: list[str]) -> str:
    """Return the version of gunicorn among what is installed, nothing where it isn't there."""
    return next((line.partition("==")[2] for line in found if line.startswith("gunicorn==")), "")
