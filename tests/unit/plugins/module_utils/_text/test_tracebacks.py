# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of what Python prints, real texts and those that this Python makes here."""

from __future__ import annotations

import subprocess
import sys

import pytest
from ansible_collections.pyweb.stack.plugins.module_utils._text import tracebacks

SOURCE = "sources/f1f5c8bb3b6a2c9bfbfa6b1fc2fb109ebab17dc5"
# What gunicorn's worker and Django write into the journal, with the lines of two answers.
PAGE = """
[2026-11-26 08:46:34 -0600] [6488] [INFO] Booting worker with pid: 6488
[2026-11-26 08:46:34 -0600] [6488] [ERROR] GET /
Traceback (most recent call last):
  File "/srv/five/releases/d7d3340aefbf/venv/lib/python3.11/site-packages/django/core/handlers/exception.py", line 55, in inner
    response = get_response(request)
               ^^^^^^^^^^^^^^^^^^^^^
  File "/srv/five/sources/f1f5c8bb3b6a2c9bfbfa6b1fc2fb109ebab17dc5/shop/urls.py", line 8, in home
    return HttpResponse(os.environ["SHOP_TITLE"])
                        ~~~~~~~~~~^^^^^^^^^^^^^^
  File "<frozen os>", line 679, in __getitem__
KeyError: 'SHOP_TITLE'
[2026-11-26 08:46:34 -0600] [6480] [INFO] Handling signal: term
"""


def test_a_page_that_fails_is_told_by_the_exception_and_the_apps_line():
    failure = tracebacks.last(PAGE * 2)
    assert failure.cause().splitlines() == [
        "KeyError: 'SHOP_TITLE'",
        "  at shop/urls.py, line 8, in home",
        '    return HttpResponse(os.environ["SHOP_TITLE"])',
    ]
    assert failure.source() == "/srv/five/sources/f1f5c8bb3b6a2c9bfbfa6b1fc2fb109ebab17dc5"
    assert len(failure.chain) == 1


@pytest.fixture
def fails(tmp_path, write):
    """Run files of an app and return what its Python printed."""

    def fails(files: dict[str, str]) -> str:
        folder = write(tmp_path / SOURCE, files)
        done = subprocess.run([sys.executable, folder / "app.py"], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        return done.stderr

    return fails


LOGGING = """
import logging.config
HANDLER = {"class": "logging.FileHandler", "filename": "/nosuch/django.log"}
logging.config.dictConfig({"version": 1, "handlers": {"file": HANDLER}, "root": {"handlers": ["file"]}})
"""


def test_a_chain_is_told_by_what_began_it(fails):
    cause = tracebacks.last(fails({"app.py": "import settings\n", "settings.py": LOGGING})).cause().splitlines()
    assert cause[0] == "FileNotFoundError: [Errno 2] No such file or directory: '/nosuch/django.log'"
    assert cause[1] == "which became ValueError: Unable to configure handler 'file'"
    assert cause[2].startswith("  at app.py, line 1, in <module>")
    assert "  at settings.py, line 4, in <module>" in cause


def test_an_explicit_cause_is_part_of_the_chain(fails):
    failure = tracebacks.last(fails({"app.py": "try:\n    1 / 0\nexcept OSError as e:\n    pass\n"}))
    assert [raised.words for raised in failure.chain] == ["ZeroDivisionError: division by zero"]
    app = (
        "def f():\n    try:\n        1 / 0\n    except ArithmeticError as e:\n        raise OSError('b') from e\nf()\n"
    )
    failure = tracebacks.last(fails({"app.py": app}))
    assert [raised.words for raised in failure.chain] == ["ZeroDivisionError: division by zero", "OSError: b"]
    assert failure.cause().startswith(
        "ZeroDivisionError: division by zero\nwhich became OSError: b\n  at app.py, line 3, in f"
    )


def test_a_fault_of_syntax_has_its_line(fails):
    failure = tracebacks.last(fails({"app.py": "import settings\n", "settings.py": "DEBUG = = 1\n"}))
    assert failure.cause().startswith("SyntaxError: invalid syntax")
    assert "  at settings.py, line 1\n    DEBUG = = 1" in failure.cause()


def test_only_the_last_of_several_counts():
    said = (
        PAGE
        + 'Traceback (most recent call last):\n  File "/x/app.py", line 3, in f\n    g()\nOSError: first\nmore of it\n\nx'
    )
    failure = tracebacks.last(said)
    assert failure.cause() == "OSError: first\nmore of it\n  at /x/app.py, line 3, in f\n    g()"


@pytest.mark.parametrize("said", ["", "no traceback at all", "Traceback (most recent call last):\n", "OSError: alone"])
def test_what_is_no_traceback_is_none(said):
    assert tracebacks.last(said) is None


@pytest.mark.parametrize(
    "head",
    [
        "[2026-11-27 21:20:48 +0000] [10631] [ERROR] ASGI lifespan startup failed: Lifespan startup failed: ",
        "[2026-11-27 21:21:04 +0000] [10886] [ERROR] ",
        "ERROR: ",
    ],
)
def test_a_logger_puts_something_before_the_traceback(head):
    said = f'{head}Traceback (most recent call last):\n  File "/x/shop.py", line 3, in lifespan\n    connect()\nOSError: no\n'
    assert (
        tracebacks.last(f"{said}[2026-11-27 21:20:48 +0000] [1] [INFO] Worker exiting\n").chain[0].words
        == "OSError: no"
    )


def test_celery_puts_its_own_before_each_line():
    head = "[2026-11-28 19:26:01,123: WARNING/MainProcess] "
    said = [
        "Traceback (most recent call last):",
        '  File "/srv/shop/sources/x/venv/celery/beat.py", line 594, in setup_schedule',
        "    self._store = self._open_schedule()",
        "OSError: [Errno 30] Read-only file system: 'celerybeat-schedule'",
    ]
    (found,) = tracebacks.failures("".join(f"{head}{line}\n" for line in said))
    assert found.chain[0].words == said[-1]
