"""Where the probe of Open Object's worker looks."""

from standin.celery import app

__all__ = ["app"]
