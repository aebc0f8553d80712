# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module gunicorn_switch does: a release takes over. Private to the collection."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from ansible_collections.pyweb.stack.plugins.module_utils._host import systemd
from ansible_collections.pyweb.stack.plugins.module_utils._module.module import Module, Step
from ansible_collections.pyweb.stack.plugins.module_utils._release import applied, unit_files
from ansible_collections.pyweb.stack.plugins.module_utils._release.shared_paths import MEDIA
from ansible_collections.pyweb.stack.plugins.module_utils._release.stores import Store, StoreError
from ansible_collections.pyweb.stack.plugins.module_utils._serving.handover import Handover, Outcome, Situation
from ansible_collections.pyweb.stack.plugins.module_utils._serving.health import Health
from ansible_collections.pyweb.stack.plugins.module_utils._serving.instance import Refused
from ansible_collections.pyweb.stack.plugins.module_utils._serving.media import Exposed, Media, MediaError
from ansible_collections.pyweb.stack.plugins.module_utils._text import naming, urls

_HEALTH = {"paths": ["/"], "host": "localhost", "status": "200-399", "timeout": 30}
# So many of the databases among uploads have a warning name them.
_TOLD = 5


def run(module: Module, params: dict) -> dict:
    """Have the release take over, unless it is active; return what the module documents."""
    store = Store(params["root"], params["name"])
    release, version, bind, keep = params["release"], params["version"], params["bind"], params["keep_releases"]
    asked: dict = dict(_HEALTH)
    try:
        if params["back"]:
            # What is rolled back is what is active now.
            params["replaces"] = store.current() or ""
            release, keep, bind = store.resolve(release), None, bind or unit_files.fixed_address(params["name"])
            version = store.release(release)["version"]
            asked.update(_health(store.last_activation(release).get("asked", {})))
        elif release == naming.PREVIOUS:
            module.fail_json(msg=f"release is {naming.PREVIOUS!r}, which has a meaning with back: true alone")
        asked.update(_health(params["health"]))
        handover = Handover(store, params["name"], params["drain_timeout"], keep, bind, params["keep_assets"])
        # Whoever goes back leaves what people gave to the app as it is.
        media = None if params["back"] else Media(store, params["media"])
        # This is the last step, so nobody reads it any more.
        store.clear_trial(ends=True)
        if module.check_mode:
            return _foretold(module, handover, handover.look(release), version, media)
        if not release:
            module.fail_json(msg="release is empty, but must be the id of a release")
        # Before the lock, which makes the folder of an app that isn't there.
        store.resolve(release)
        health = Health(**{**asked, "status": _statuses(asked["status"])})
        with store.locked("switching its release"):
            seen = handover.look(release)
            diff = handover.diff(seen, version)
            told = {"by": params["by"], "back": params["back"], "asked": asked}
            unlike = media.diff() if media else []
            exposed = _expose(module, media, close=True)
            if media:
                media.prepare()
            outcome = handover.run(seen, health, params["replaces"], **told)
            if media:
                media.settle()
    except (Refused, MediaError, StoreError, systemd.SystemdError, OSError) as error:
        module.fail_json(msg="\n".join([str(error), *applied.told(store)]))
    for warning in _warnings(outcome, params, release):
        module.warn(warning)
    changed = outcome.changed or bool(unlike) or exposed
    return _result(seen, version, [*diff, *unlike], dataclasses.replace(outcome, changed=changed))


def _foretold(module: Module, handover: Handover, seen: Situation, version: str, media: Media | None) -> dict:
    """Return what a run would come to, as far as that is known before it."""
    fault = handover.fault(seen)
    if fault:
        module.fail_json(msg=fault)
    if media:
        media.refuse()
    unlike = media.diff() if media else []
    exposed = _expose(module, media, close=False)
    if media and unlike:
        media.foretell()
    changed = handover.needed(seen) or bool(unlike) or exposed
    return _result(seen, version, [*handover.diff(seen, version), *unlike], Outcome(changed=changed))


def _result(seen: Situation, version: str, diff: list[dict], outcome: Outcome) -> dict:
    return {
        "changed": outcome.changed,
        "release": seen.wanted,
        "version": version,
        "previous": seen.current,
        "answer": outcome.answer,
        "cut": outcome.cut,
        "ending": list(outcome.ending),
        "diff": diff,
    }


def _expose(module: Module, media: Media | None, close: bool) -> bool:
    """Warn of the databases that came to be where nginx reads, also if the switch is refused; say whether closing them is a change."""
    exposed = media.exposed(close) if media else []
    for warning in _about(exposed):
        module.warn(warning)
    return any(each.own for each in exposed)


def _about(exposed: list[Exposed]) -> list[str]:
    """Return what people should know of the databases that came to be where nginx reads."""
    own, others = ([each.path for each in exposed if each.own is whose] for whose in (True, False))
    warnings = []
    if own:
        warnings.append(
            f"gunicorn_media: every visitor could get the databases {_first(own)} until this run closes them to nginx: have the "
            "app keep its own elsewhere, and remove what somebody uploaded"
        )
    if others:
        warnings.append(
            f"gunicorn_media: every visitor can get the databases {_first(others)}, which are another account's, so that this run "
            "can't close them to nginx: remove them from there"
        )
    return warnings


def _first(paths: list[str]) -> str:
    """Return the first of the paths for a message: they are what visitors made them."""
    return ", ".join(map(repr, paths[:_TOLD])) + f" and {len(paths) - _TOLD} more" * (len(paths) > _TOLD)


def _warnings(outcome: Outcome, params: dict, release: str) -> list[str]:
    """Return what people should know of what was done, and of the units of the release that is active now."""
    warnings = list(outcome.noted)
    if params["back"] and outcome.changed:
        warnings.append(
            f"release {release} is active again, with the code, packages, settings and environment that it had; what the app "
            "wrote since then stays, its database, too"
        )
    if outcome.cut:
        warnings.append(
            f"{outcome.cut} connections to the old release were closed because they were still open after "
            f"gunicorn_drain_timeout, {params['drain_timeout']} s"
        )
    warnings += [
        f"{path} changes the units of the app {params['name']} beside what {_variable(path)} says, and no release knows of "
        "it: put it there, and remove the file"
        for path in outcome.drop_ins
    ]
    return warnings


def _variable(path: str) -> str:
    """Return the variable by which people say of a unit what the drop-in `path` says of it."""
    unit = path.split("/")[-2]
    if unit.endswith(".timer.d") or "-job@" in unit:
        return "gunicorn_schedule"
    return "gunicorn_processes" if re.match(r"gunicorn-\w+-\w.*@", unit) else "gunicorn_unit"


def _health(given: dict) -> dict:
    """Return what is given of a health; one path, as in earlier histories, is a list of one."""
    health = {name: value for name, value in given.items() if value is not None}
    path = health.pop("path", None)
    return {"paths": [path], **health} if path else health


def _statuses(text: str) -> range:
    first, _dash, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def _shown(value: Any) -> Any:
    """Return what of a part of the health may be shown: of pages not the query, where a token may be."""
    if isinstance(value, list):
        return [_shown(each) for each in value]
    return urls.shown(value) if isinstance(value, str) else value


STEP = Step(
    prefix="gunicorn_",
    options={
        "name": {"type": "str", "required": True},
        "root": {"type": "path", "default": "/srv"},
        "release": {"type": "str"},
        "version": {"type": "str", "default": ""},
        "back": {"type": "bool", "default": False},
        "replaces": {"type": "str"},
        "by": {"type": "str"},
        "health": {
            "type": "dict",
            "default": {},
            "options": {
                "path": {"type": "str"},
                "paths": {"type": "list", "elements": "str"},
                "host": {"type": "str"},
                "status": {"type": "str"},
                "timeout": {"type": "float"},
            },
        },
        "drain_timeout": {"type": "int", "default": 30},
        "bind": {"type": "str"},
        "keep_releases": {"type": "int", "default": 5},
        "keep_assets": {"type": "int", "default": 3},
        "media": MEDIA,
    },
    unlike=("version",),
    hidden={"health": lambda health: {name: _shown(value) for name, value in health.items()}},
    run=run,
)
