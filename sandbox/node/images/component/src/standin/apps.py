"""Its label is that of Open Klant's and Open Object's own application for tokens, which our clean-up looks for."""

from django.apps import AppConfig


class StandIn(AppConfig):
    """The stand-in's own models."""

    name = "standin"
    label = "token"

    def ready(self) -> None:
        # Tasks that are sent from the web process need the application, as in the packages of the images.
        from . import celery  # noqa: F401
