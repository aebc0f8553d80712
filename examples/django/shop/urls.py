"""Where the project's URLs lead."""

from django.contrib import admin
from django.urls import path

from guestbook import views

urlpatterns = [
    path("", views.book, name="book"),
    path("request/", views.request_as_seen, name="request"),
    path("admin/", admin.site.urls),
]
