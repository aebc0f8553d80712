"""Which tests there are; those that say most soonest come first."""

from tools.checks import Check, Lanes, logged
from tools.collection import collection
from tools.engine import ensure_engine
from tools.images import ensure_images
from tools.lint import lint
from tools.shell import ROOT, Failure


def everything():
    """Return all checks."""
    servers, scenarios = molecule([])
    return [servers, Lanes([*unit(), *lint(), Check("collection installs", collection), *scenarios.checks])]


def unit():
    """Return the checks that need no server."""
    return [Check("unit tests", logged, "unit", "pytest", "tests/unit")]


def molecule(names):
    """Return the checks on servers: these scenarios of Molecule, or all of them."""
    known = sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))
    unknown = sorted(set(names) - set(known))
    if unknown or not known:
        raise Failure(f"no such scenario: {', '.join(unknown)}; there are: {', '.join(known)}")
    scenarios = [Check(f"molecule {name}", scenario, name) for name in names or known]
    return [Check("test servers", ensure_servers), Lanes(scenarios)]


def ensure_servers():
    """Leave with all that test servers start from."""
    ensure_engine()
    ensure_images()


def scenario(name):
    """Run a scenario from its start to its end."""
    logged(f"molecule-{name}", "molecule", "test", "--scenario-name", name)
