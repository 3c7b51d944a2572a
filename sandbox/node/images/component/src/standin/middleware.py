"""Every answer says that it is a stand-in's."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

HEADER = "X-GGI-Stand-In"


class SayWhatThisIs:
    """Adds the header with the name of the component that is played."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        response[HEADER] = settings.STANDIN
        return response
