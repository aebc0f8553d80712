"""Where the project's URLs lead."""

from django.contrib import admin
from django.urls import path

from pictures import views

urlpatterns = [
    path("", views.album, name="album"),
    path("admin/", admin.site.urls),
]
