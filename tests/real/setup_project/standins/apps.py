"""Its label is that of Open Klant's and Open Object's own application for tokens, which our clean-up looks for."""

from django.apps import AppConfig


class StandIns(AppConfig):
    """Stand-ins for what only the images have."""

    name = "setup_project.standins"
    label = "token"
