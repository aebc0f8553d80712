# Copyright: (c) 2026, the pyweb.stack authors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A page that lacks a variable."""

import os

from django.http import HttpResponse
from django.urls import path


def home(request):
    return HttpResponse(os.environ["SHOP_TITLE"])


urlpatterns = [path("", home)]
