"""The paths of the components that others call or that probes ask."""

from django.urls import include, path, re_path

from standin import views

urlpatterns = [
    path("", views.page),
    path("admin/", views.page),
    path("_healthz/livez/", views.live),
    path("_healthz/readyz/", views.ready),
    path("_healthz/", views.ready),
    path("standin/counts", views.counts),
    path("oidc/", include("mozilla_django_oidc.urls")),
    path("api/v1/callbacks", views.callback),
    re_path(r"^(?:[a-z]+/)?api/v[12]/(?P<name>[a-z]+)(?:/(?P<path>[0-9a-f-]{36}))?/?$", views.collection),
]
