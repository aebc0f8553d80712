"""WSGI config for the shop."""

import os
import sys
from pathlib import Path

from django.core.wsgi import get_wsgi_application

# Apps may lie in the inner folder shop.
BASE_DIR = Path(__file__).resolve(strict=True).parent.parent
sys.path.append(str(BASE_DIR / "shop"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

application = get_wsgi_application()
