"""Tells what it is made of."""

import importlib.metadata
import json
import os
import sys

try:
    from parts.word import WORD
except ModuleNotFoundError:
    WORD = None


def app(environ, start_response):
    """Tell the interpreter, the packages, and what a submodule brought along."""
    start_response("200 OK", [("Content-Type", "application/json")])
    packages = sorted(f"{one.name}=={one.version}" for one in importlib.metadata.distributions())
    return [json.dumps({"packages": packages, "python": sys.base_prefix, "word": WORD}).encode()]


def make():
    """Fail as the app is loaded, with a secret at hand."""
    secret = os.environ["SECRET"]
    raise LookupError(f"no such secret, of {len(secret)} characters")


def fail(environ, start_response):
    """Fail at every request, with a secret at hand."""
    make()
