"""What the stand-in keeps: cases, and what came in at its callbacks."""

import uuid

from django.db import models


class Case(models.Model):
    """A zaak, as it was sent."""

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4)
    data = models.JSONField()


class Received(models.Model):
    """A notification that was taken in (Open Notificaties) or delivered to a callback."""

    what = models.CharField(max_length=20)
    data = models.JSONField()
    at = models.DateTimeField(auto_now_add=True)
