"""A package of the old kind, whose setup.py looks around."""

import sys

from setuptools import setup

sys.path.insert(0, ".")
import tries

tries.mark(f"setup.py {sys.argv[1]}", *tries.BUILDING)
setup(name="legacy", version="1.0", py_modules=["legacy"])
