# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module database does: an app's database and cache on the host of the app. Private to the collection."""

from __future__ import annotations

from ansible_collections.pyweb.stack.plugins.module_utils._database.cache import PACKAGES, Cache, CacheError
from ansible_collections.pyweb.stack.plugins.module_utils._database.postgresql import (
    DatabaseError,
    Postgresql,
    installed,
)
from ansible_collections.pyweb.stack.plugins.module_utils._gunicorn import plans
from ansible_collections.pyweb.stack.plugins.module_utils._host import systemd
from ansible_collections.pyweb.stack.plugins.module_utils._module.module import Module, Step


def run(module: Module, params: dict) -> dict:
    """Make what is lacking, or remove what was made; return what the module documents."""
    app = params["app"]
    user = params["user"] or app
    database = Postgresql(app, user, f"App {app} by pyweb.stack")
    cache = Cache(app, user)
    try:
        if params["state"] == "absent":
            return _remove(module, params["purge"], database, cache)
        return _make(module, params, database, cache)
    except (DatabaseError, CacheError, systemd.SystemdError, OSError) as error:
        return module.fail_json(msg=f"the database of the app {app}: {error}")


def _make(module: Module, params: dict, database: Postgresql, cache: Cache) -> dict:
    urls, engine = {}, params["cache"]
    lacking = {}
    if params["engine"] == "postgresql":
        urls["database"] = database.url()
        # In check mode it may be installed by this very run.
        state = database.state() if installed() or not module.check_mode else dict.fromkeys(("role", "database"))
        _refuse(module, database.fault(state))
        lacking = database.lacking(state)
    text = cache.text(engine, plans.mebibytes(params["cache_memory"])) if engine else ""
    _refuse(module, cache.fault())
    # Of the cache the unit is the whole of it, which goes where none is asked for any more.
    before = systemd.unit_text(cache.unit)
    starts = bool(engine) and (before != text or cache.idle())
    stops = not engine and cache.there()
    if engine:
        urls["cache"] = cache.url()
    if not module.check_mode:
        if lacking:
            database.execute("\n".join(lacking.values()))
        if "database" in urls:
            database.prove()
        if starts:
            cache.install(text)
        if engine:
            cache.prove(engine)
        if stops:
            cache.stop()
    made = [*lacking, *([f"{cache.unit} running"] if starts else [])]
    diff = [_diff([], made)]
    if before != text:
        diff.append({"before_header": cache.unit, "before": before, "after_header": cache.unit, "after": text})
    return {"changed": bool(lacking or starts or stops), "urls": urls, "removed": [], "kept": [], "diff": diff}


def _remove(module: Module, purge: bool, database: Postgresql, cache: Cache) -> dict:
    removed = [cache.unit] if cache.there() else []
    nothing: dict = {"role": None, "database": None, "sessions": 0}
    state = database.state() if installed() else nothing
    drops = database.made_here(state) if purge else {}
    data = cache.data()
    removed += [*drops, *(data if purge else [])]
    kept = [each for each in [*database.there(state), *([] if purge else data)] if each not in drops]
    if drops and state["sessions"]:
        said = f"{state['sessions']} connections to it are open: remove the app first, by gunicorn_state: absent before this role"
        if not module.check_mode:
            raise DatabaseError(said)
        module.warn(said)
    if removed and not module.check_mode:
        if cache.there():
            cache.stop()
        if drops:
            database.execute("\n".join(drops.values()))
        if purge:
            cache.forget()
    return {"changed": bool(removed), "urls": {}, "removed": removed, "kept": kept, "diff": [_diff(removed, [])]}


def _refuse(module: Module, fault: str | None) -> None:
    if fault:
        module.fail_json(msg=fault)


def _diff(before: list[str], after: list[str]) -> dict[str, str]:
    return {"before": "".join(f"{line}\n" for line in before), "after": "".join(f"{line}\n" for line in after)}


STEP = Step(
    prefix="database_",
    options={
        "app": {"type": "str", "required": True},
        "user": {"type": "str"},
        "engine": {"type": "str", "choices": ["postgresql", "none"], "default": "postgresql"},
        "cache": {"type": "str", "choices": sorted(PACKAGES)},
        "cache_memory": {"type": "str", "default": "256M"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "purge": {"type": "bool", "default": False},
    },
    run=run,
)
