from django.contrib import admin
from django.urls import path
from guestbook import views

urlpatterns = [path("", views.book, name="book"), path("admin/", admin.site.urls)]
