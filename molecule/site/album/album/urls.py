from django.contrib.auth.views import LoginView
from django.urls import path, re_path

from album import views

urlpatterns = [
    path("", views.page),
    path("accounts/login/", LoginView.as_view()),
    re_path("^echo", views.echo),
    re_path("^(?:limited|guarded)/", views.echo),
    path("healthz", views.echo),
]
