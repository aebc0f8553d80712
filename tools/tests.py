"""Which tests there are; those that say most soonest come first."""

from tools.checks import Check, Lanes, logged
from tools.collection import collection
from tools.engine import ensure_engine
from tools.images import ensure_images
from tools.lint import lint
from tools.shell import ROOT, Failure


def everything():
    """Return all checks."""
    return on_servers([*unit(), *lint(), Check("collection installs", collection), *scenarios([])])


def unit():
    """Return the checks that need no server."""
    return [Check("unit tests", logged, "unit", "pytest", "tests/unit")]


def molecule(names):
    """Return what the scenarios of Molecule need, and these of them, or all."""
    return on_servers(scenarios(names))


def on_servers(checks):
    """Return such checks behind what those of them need that are on servers."""
    return [Check("test servers", ensure_servers), Lanes(checks)]


def scenarios(names):
    """Return the checks on servers: these scenarios of Molecule, or all of them."""
    known = sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))
    unknown = sorted(set(names) - set(known))
    if unknown or not known:
        raise Failure(f"no such scenario: {', '.join(unknown)}; there are: {', '.join(known)}")
    return [Check(f"molecule {name}", scenario, name) for name in names or known]


def ensure_servers():
    """Leave with all that test servers start from."""
    ensure_engine()
    ensure_images()


def scenario(name):
    """Run a scenario from its start to its end."""
    logged(f"molecule-{name}", "molecule", "test", "--scenario-name", name)
