from django.conf import settings
from django.contrib import admin
from django.urls import path
from guestbook import views

urlpatterns = [
    path("", views.book, name="book"),
    path(settings.ADMIN_URL, admin.site.urls),
]
