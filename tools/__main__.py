"""Start here: `./dev` runs this folder."""

import pathlib
import sys

if sys.version_info < (3, 11):
    sys.exit(
        "dev: needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; name one: PYTHON=python3.13 ./dev"
    )

sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])
from tools.cli import main  # noqa: E402

sys.exit(main())
