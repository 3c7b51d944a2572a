"""One side of a relation, asked over a pipe: a line of JSON in, `[operation, argument…]`, and a line of JSON out.

Runs in the stand-in's Django project (sandbox/node/images/component) as the component that DJANGO_SETTINGS_MODULE
says.
"""

import io
import json
import os
import sys
from contextlib import redirect_stdout
from typing import Any

import django

django.setup()

from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import RequestFactory
from mozilla_django_oidc_db.models import OIDCClient
from requests import Request
from rest_framework.exceptions import PermissionDenied
from standin.models import Abonnement, TokenAuth
from standin.tasks import service_of
from vng_api_common.authorizations.middleware import AuthMiddleware
from vng_api_common.authorizations.models import Applicatie
from zgw_consumers.client import build_client
from zgw_consumers.models import Service


def configure(document: str, variables: dict[str, str], script: str) -> dict[str, str]:
    """What the configuration Job does: the steps with these variables, then the script that withdraws."""
    printed = io.StringIO()
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        call_command("setup_configuration", yaml_file=document, skip_checks=True, stdout=printed)
    except CommandError as error:
        return {"error": str(error)}
    finally:
        os.environ.clear()
        os.environ.update(before)
    with redirect_stdout(printed):
        exec(script, {})  # noqa: S102  (our own script, as `manage.py shell -c` runs it)
    return {"output": printed.getvalue()}


def _request(service: Service, method: str, url: str) -> dict[str, Any]:
    with build_client(service) as client:
        prepared = client.prepare_request(Request(method, url))
    return {"url": prepared.url, "authorization": prepared.headers["Authorization"]}


def send(service: str) -> dict[str, Any]:
    """The request that zgw-consumers makes for this service: its address and Authorization header."""
    found = Service.objects.get(slug=service)
    return _request(found, "GET", found.api_root)


def deliver() -> list[dict[str, Any]]:
    """The requests that Open Notificaties makes to subscribers: it builds a service of the subscription's fields."""
    return [_request(service_of(a), "POST", a.callback_url) for a in Abonnement.objects.all()]


def accept_jwt(authorization: str) -> dict[str, Any]:
    """What the provider's own middleware (commonground-api-common) makes of a JWT."""
    request = RequestFactory().get("/", HTTP_AUTHORIZATION=authorization)
    AuthMiddleware(lambda _: None)(request)
    try:
        return {"client_id": request.jwt_auth.client_id}
    except PermissionDenied as error:
        return {"refused": error.get_codes()}


def accept_token(authorization: str) -> dict[str, Any]:
    """What Open Klant and Open Object make of a token: they look it up (rest_framework.authentication)."""
    scheme, _, token = authorization.partition(" ")
    found = TokenAuth.objects.filter(token=token).first() if scheme == "Token" else None
    if found is None:
        return {"refused": "invalid token"}
    return {"client_id": found.identifier, "rights": {p.object_type.name: p.mode for p in found.permission_set.all()}}


def rights(client_id: str) -> list[list[Any]]:
    """The applications of a client id, as the Autorisaties API finds them: label and whether it may do all."""
    found = Applicatie.objects.filter(client_ids__contains=[client_id])
    return [[a.label, a.heeft_alle_autorisaties] for a in found]


def oidc() -> dict[str, Any]:
    """The client with which administrators log in."""
    found = OIDCClient.objects.select_related("oidc_provider").get(identifier="admin-oidc")
    return {
        "client_id": found.oidc_rp_client_id,
        "secret": found.oidc_rp_client_secret,
        "authorization": found.oidc_provider.oidc_op_authorization_endpoint,
        "token": found.oidc_provider.oidc_op_token_endpoint,
    }


OPERATIONS = {f.__name__: f for f in (configure, send, deliver, accept_jwt, accept_token, rights, oidc)}


if __name__ == "__main__":
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        print(json.dumps(OPERATIONS[name](*arguments)), flush=True)  # noqa: T201
