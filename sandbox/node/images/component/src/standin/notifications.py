"""Notifications that are delivered here: counted, then handled as the library does."""

from typing import Any

from vng_api_common.notifications.handlers import default

from .models import Reception


class Received:
    """Keeps a message. The library's own handler fetches what a changed application may do."""

    def handle(self, message: dict[str, Any]) -> None:
        Reception.objects.create(message=message)
        default.handle(message)


received = Received()
