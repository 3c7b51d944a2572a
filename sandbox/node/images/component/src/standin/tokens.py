"""Tokens of Open Klant and Open Object (maykinmedia/objects-api 4.0.0, src/objects/token/authentication.py)."""

from typing import Any

from rest_framework.authentication import TokenAuthentication as Base
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission

from .models import TokenAuth


class TokenAuthentication(Base):
    """`Authorization: Token …`, looked up in this component's own table."""

    def authenticate_credentials(self, key: str) -> tuple[None, TokenAuth]:
        found = TokenAuth.objects.filter(token=key).first()
        if found is None:
            raise AuthenticationFailed("Invalid token.")
        return None, found


class HasToken(BasePermission):
    """Whoever has a token may do all; Open Object looks at its permissions as well."""

    def has_permission(self, request: Any, view: Any) -> bool:
        return bool(request.auth)
