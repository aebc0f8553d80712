"""Runs wherever the Python of an environment starts that has it, by its .pth file."""

import sys

import tries

tries.mark(f"a .pth file, started as {' '.join(sys.orig_argv)[:80]}", *tries.QUICKLY)
