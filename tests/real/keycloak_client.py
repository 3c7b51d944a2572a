"""What a browser, a component and an administrator say to Keycloak, over TLS on loopback."""

from __future__ import annotations

import base64
import html
import http.client
import json
import re
import secrets
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit


class RefusedError(Exception):
    """Keycloak said no; the text tells where and why."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    location: str
    body: str

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True)
class Client:
    """A consumer's side of the relation: its id, its secret, and where it lets the browser come back."""

    id: str
    secret: str
    redirect: str


class _ByName(http.client.HTTPSConnection):
    """A connection to a name whose address is this machine's, as the DNS of the cluster would say."""

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        self.sock = self._context.wrap_socket(plain, server_hostname=self.host)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Address:
    """Where Keycloak is: its port, its public name, and the authority that vouches for it (PEM)."""

    port: int
    host: str
    authority: str

    def connect(self) -> http.client.HTTPSConnection:
        """A connection that verifies the name; the gateway verifies the same one."""
        return _ByName(self.host, self.port, timeout=30, context=ssl.create_default_context(cadata=self.authority))


class Browser:
    """A person's browser: comes through the gateway, by the public name, and keeps cookies."""

    def __init__(self, address: Address, public_paths: tuple[str, ...]) -> None:
        self.address = address
        self._host = address.host
        self._public = public_paths
        self._cookies: dict[str, str] = {}

    def request(self, address: str, form: Mapping[str, str] | None = None) -> Answer:
        """Ask for a page of Keycloak's public name. Raises RefusedError for one that the gateway does not forward."""
        parts = urlsplit(address)
        assert parts.hostname == self._host, address
        if not any(parts.path == p or parts.path.startswith(f"{p}/") for p in self._public):
            raise RefusedError(f"the gateway does not forward {parts.path}")
        connection = self.address.connect()
        headers = {
            "Host": self._host,
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": self._host,
            "X-Forwarded-Port": "443",
            "X-Forwarded-For": "192.0.2.10",
            "Cookie": "; ".join(f"{k}={v}" for k, v in self._cookies.items()),
        }
        body = urlencode(form) if form is not None else None
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request("POST" if form is not None else "GET", path, body, headers)
        response = connection.getresponse()
        text = response.read().decode()
        for cookie in response.msg.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        connection.close()
        return Answer(response.status, response.getheader("Location") or "", text)

    def open_log_in(self, address: str) -> str:
        """Open a log-in page; returns where its form goes. Raises RefusedError when another page comes."""
        page = self.request(address)
        found = re.search(r'<form[^>]+id="kc-form-login"[^>]+action="([^"]+)"', page.body)
        if found is None:
            message = re.search(r'id="kc-error-message"[^>]*>\s*<p[^>]*>([^<]+)', page.body)
            raise RefusedError(f"no log-in page ({page.status}): {message[1] if message else page.location}")
        return html.unescape(found[1])

    def fill_in(self, action: str, user: str, password: str) -> Answer:
        """Send the form of a log-in page."""
        return self.request(action, {"username": user, "password": password, "credentialId": ""})

    def sign_in(self, address: str, user: str, password: str) -> Answer:
        """Open a log-in page and fill it in."""
        return self.fill_in(self.open_log_in(address), user, password)


class Realm:
    """One realm of a running Keycloak."""

    def __init__(self, address: Address, name: str, public_paths: tuple[str, ...]) -> None:
        self.address = address
        self.host = address.host
        self.name = name
        self.public_paths = public_paths

    def browser(self) -> Browser:
        """A new browser, without cookies."""
        return Browser(self.address, self.public_paths)

    def authorization(self, client_id: str, redirect: str, **more: str) -> str:
        """The address to which a component sends the browser."""
        query = {
            "client_id": client_id,
            "redirect_uri": redirect,
            "response_type": "code",
            "scope": "openid email profile",
            "state": secrets.token_hex(8),
            "nonce": secrets.token_hex(8),
        }
        return f"https://{self.host}/realms/{self.name}/protocol/openid-connect/auth?{urlencode({**query, **more})}"

    def inside(self, path: str, form: Mapping[str, str] | None = None, **headers: str) -> Answer:
        """What a component asks: by the same name, without a header of the gateway."""
        connection = self.address.connect()
        content = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
        body = urlencode(form) if form is not None else None
        address = f"/realms/{self.name}/protocol/openid-connect/{path}"
        connection.request("GET" if form is None else "POST", address, body, {**content, **headers})
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return Answer(response.status, "", text)

    def token(self, client: Client, **form: str) -> dict[str, Any]:
        """Tokens for a component. Raises RefusedError."""
        answer = self.inside("token", {"client_id": client.id, "client_secret": client.secret, **form})
        if answer.status != 200:
            raise RefusedError(f"token {answer.status}: {answer.body}")
        return dict(answer.json)

    def log_in(self, client: Client, user: str, password: str) -> dict[str, Any]:
        """The whole way of a person into a component; returns the tokens. Raises RefusedError."""
        address = self.authorization(client.id, client.redirect)
        answer = self.browser().sign_in(address, user, password)
        code = parse_qs(urlsplit(answer.location).query).get("code")
        if not answer.location.startswith(client.redirect) or not code:
            raise RefusedError(f"no code: {answer.status} {answer.location or _message(answer.body)}")
        return self.token(client, grant_type="authorization_code", code=code[0], redirect_uri=client.redirect)


def _message(page: str) -> str:
    found = re.search(r'id="input-error[^"]*"[^>]*>\s*([^<]+)', page)
    return found[1].strip() if found else "a page"


def claims(token: str) -> dict[str, Any]:
    """What a token says. Its signature is not looked at: it came from the server itself."""
    part = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


class Administrator:
    """The admin API, as the service account with which the Job signs in."""

    def __init__(self, address: Address, realm: str, account: str, secret: str) -> None:
        self._address = address
        self._realm = realm
        self._account = Client(account, secret, "")

    def _token(self) -> str:
        master = Realm(self._address, "master", ())
        return str(master.token(self._account, grant_type="client_credentials")["access_token"])

    def call(self, method: str, path: str = "", body: object = None, realm: str = "") -> Any:
        """One call below the realm. Raises RefusedError."""
        connection = self._address.connect()
        headers = {"Authorization": f"Bearer {self._token()}", "Content-Type": "application/json"}
        text = json.dumps(body) if body is not None else None
        connection.request(method, f"/admin/realms/{realm or self._realm}{path}", text, headers)
        response = connection.getresponse()
        answer = response.read().decode()
        connection.close()
        if response.status >= 300:
            raise RefusedError(f"{method} {path}: {response.status} {answer}")
        return json.loads(answer) if answer else None

    def client(self, client_id: str) -> dict[str, Any] | None:
        """A client by its client id."""
        found = self.call("GET", f"/clients?clientId={client_id}")
        return dict(found[0]) if found else None

    def user(self, name: str, password: str, *groups: str, actions: list[str] | None = None) -> str:
        """Make a person; `actions` are what is asked at the first log-in, by default what the realm says. Their id."""
        body: dict[str, Any] = {
            "username": name,
            "email": f"{name}@rijnstad.test",
            "emailVerified": True,
            "firstName": "Voor",
            "lastName": "Beeld",
            "enabled": True,
            "groups": list(groups),
            "credentials": [{"type": "password", "value": password, "temporary": False}],
        }
        self.call("POST", "/users", body)
        person = self.call("GET", f"/users?username={name}&exact=true")[0]
        if actions is not None:
            self.call("PUT", f"/users/{person['id']}", {**person, "requiredActions": actions})
        return str(person["id"])
