# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all modules of the collection have in common. Private to the collection."""

from __future__ import annotations

import copy
import dataclasses
import os
from collections.abc import Callable, Collection, Mapping
from typing import NoReturn

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pyweb.stack.plugins.module_utils._host import remedies
from ansible_collections.pyweb.stack.plugins.module_utils._module import variable_rules

# Where a host's own programs are, such as nginx. Whoever becomes root by Debian's su keeps a PATH without them.
_SYSTEM_FOLDERS = ["/usr/sbin", "/sbin"]
# Of what is made here, what nobody else may read says so; a host whose root has 077 would close the rest to apps and nginx.
_UMASK = 0o022


class Module(AnsibleModule):
    """A module whose options are checked as the variables of a role are, and whose secrets are shown nowhere.

    `prefix` makes the name of an option that of the variable, but for the options in `unlike`, which mean something
    else. `hidden` says of an option what of its value may be seen; the target's log has no option at all. Marking an
    option as no_log would blank each of its values, short ones too, in all that the play prints, and the module's own
    no_log is overruled by the task's.
    """

    def __init__(
        self,
        prefix: str,
        argument_spec: dict,
        unlike: Collection[str] = (),
        hidden: Mapping[str, Callable] | None = None,
        **kwargs: object,
    ):
        self._hidden = hidden or {}
        # What a failure from now on returns besides, as it would without the failure.
        self.besides: dict[str, object] = {}
        # A copy, as AnsibleModule writes into the defaults.
        super().__init__(copy.deepcopy(argument_spec), supports_check_mode=True, **kwargs)
        os.umask(_UMASK)
        os.environ["PATH"] = _with_system_folders(os.environ.get("PATH", os.defpath))
        self.refuse(_variables(prefix, self.params, argument_spec, unlike))

    def refuse(self, variables: dict) -> None:
        """Fail with all that is wrong with `variables`, if anything is."""
        faults = variable_rules.faults(variables)
        if faults:
            self.fail_json(msg="\n".join(faults))

    def exit_json(self, **kwargs: object) -> NoReturn:  # type: ignore[misc]
        """End well, with the options as they may be seen."""
        super().exit_json(**kwargs, invocation=self._invocation())

    def fail_json(self, msg: str, **kwargs: object) -> NoReturn:  # type: ignore[misc]
        """End with a message and what helps, with the options as they may be seen."""
        super().fail_json(remedies.advised(msg), **{**self.besides, **kwargs}, invocation=self._invocation())

    def _invocation(self) -> dict:
        return {"module_args": _shown(self.params, self._hidden)}

    def _log_invocation(self) -> None:
        pass


@dataclasses.dataclass(frozen=True)
class Step:
    """What a module does, which it does by itself or with others in one call.

    `options` is AnsibleModule's argument spec, and `rules` what else that takes; `prefix`, `unlike` and `hidden` are as
    in Module. `run` gets the module that is called and this step's options, and returns what this step's module returns.
    """

    prefix: str
    options: dict
    run: Callable[[Module, dict], dict]
    unlike: tuple[str, ...] = ()
    hidden: Mapping[str, Callable] = dataclasses.field(default_factory=dict)
    rules: Mapping[str, object] = dataclasses.field(default_factory=dict)

    def main(self) -> None:
        """Be the module that does nothing else."""
        module = Module(self.prefix, self.options, self.unlike, self.hidden, **self.rules)
        module.exit_json(**self.run(module, module.params))

    def variables(self, params: dict) -> dict:
        """Return options by the names of the variables whose rules they follow."""
        return _variables(self.prefix, params, self.options, self.unlike)

    def shown(self, params: dict) -> dict:
        """Return options as they may be seen."""
        return _shown(params, self.hidden)


def _variables(prefix: str, params: dict, spec: dict, unlike: Collection[str]) -> dict:
    given = _given(params, spec)
    return {prefix + name: value for name, value in given.items() if name not in unlike}


def _shown(params: dict, hidden: Mapping[str, Callable]) -> dict:
    return {**params, **{name: show(params[name]) for name, show in hidden.items() if params.get(name)}}


def _with_system_folders(path: str) -> str:
    folders = path.split(":")
    return ":".join([*folders, *(each for each in _SYSTEM_FOLDERS if each not in folders)])


def _given(params: dict, spec: dict) -> dict:
    """Return options without those that are not given, for which AnsibleModule has None."""
    given = {name: value for name, value in params.items() if value is not None}
    for name, value in given.items():
        options = spec[name].get("options")
        if options and isinstance(value, list):
            given[name] = [_given(each, options) for each in value]
        elif options:
            given[name] = _given(value, options)
    return given
