"""Tells what it is made of."""

import importlib.metadata
import json
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
