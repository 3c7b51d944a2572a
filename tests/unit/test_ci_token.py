"""The token of a CI system proves who started a run when its issuer signed it for us and our repository, else not."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from ggi.app.operations import ChangeRequest, Operation
from ggi.app.platform import RealPlatform
from ggi.assurance.ci_token import proof_of_ci
from ggi.assurance.identity import same_person
from ggi.inventory.models import ChangeRules
from ggi.inventory.stack import Stack

REPOSITORY = "rijnstad/landschap"
RSA, OTHER_RSA = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
EC, OTHER_EC = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))


@dataclass
class Issuer:
    """A CI system on loopback: it tells where its keys are, gives them, and gives a job its token as GitHub does."""

    url: str = ""
    says: str = ""
    """What it calls itself, when that is not its address."""
    token: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    keys: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, path: str, authorization: str) -> Any:
        """What it says at a path; None for nothing."""
        self.asked.append((path, authorization))
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.says or self.url, "jwks_uri": f"{self.url}/keys"}
        if path == "/keys":
            return {"keys": self.keys}
        return {"value": self.token} if path.startswith("/token?") else None


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """A CI system with a key of each kind."""
    found = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said = found.answer(self.path, self.headers.get("Authorization") or "")
            self.send_response(404 if said is None else 200)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    found.keys = [
        {**json.loads(RSAAlgorithm.to_jwk(RSA.public_key())), "kid": "r1", "alg": "RS256", "use": "sig"},
        {**json.loads(ECAlgorithm.to_jwk(EC.public_key())), "kid": "e1", "alg": "ES256", "use": "sig"},
    ]
    yield found
    server.shutdown()
    server.server_close()


def claims(issuer: Issuer, **more: Any) -> dict[str, Any]:
    """What GitHub says of a run."""
    now = int(time.time())
    times = {"iat": now, "nbf": now - 5, "exp": now + 300}
    who = {"actor": "anna", "actor_id": "7", "repository": REPOSITORY, "run_id": "81"}
    found = {"iss": issuer.url, "aud": "ggi", "sub": f"repo:{REPOSITORY}:ref:refs/heads/main", **times, **who, **more}
    return {name: value for name, value in found.items() if value is not None}


def signed(said: dict[str, Any], key: Any = RSA, algorithm: str = "RS256", kid: str | None = "r1") -> str:
    """A token."""
    return jwt.encode(said, key, algorithm, headers={"kid": kid} if kid else {})


def proven(issuer: Issuer, token: str, told: list[str] | None = None) -> dict[str, Any] | None:
    """Whom a token proves, where the inventory lists this issuer with one repository."""
    report = (told if told is not None else []).append
    return proof_of_ci({issuer.url: [REPOSITORY]}, report, {"GGI_ID_TOKEN": token})


def test_a_token_of_the_issuer_for_us_proves_who_started_the_run(issuer: Issuer) -> None:
    expected = {"by": issuer.url, "user": "anna", "repository": REPOSITORY, "run": "81"}
    assert proven(issuer, signed(claims(issuer))) == expected
    assert proven(issuer, signed(claims(issuer), EC, "ES256", "e1")) == expected


def test_gitlab_names_people_repositories_and_runs_otherwise(issuer: Issuer) -> None:
    own = {"user_login": "bert", "project_path": REPOSITORY, "job_id": "302"}
    said = claims(issuer, actor=None, repository=None, run_id=None, **own)
    assert proven(issuer, signed(said)) == {"by": issuer.url, "user": "bert", "repository": REPOSITORY, "run": "302"}


def test_github_is_asked_for_the_token_of_the_job(issuer: Issuer) -> None:
    issuer.token = signed(claims(issuer))
    job = {"ACTIONS_ID_TOKEN_REQUEST_URL": f"{issuer.url}/token?v=2", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "s3cret"}
    found = proof_of_ci({issuer.url: [REPOSITORY]}, lambda _: None, job)
    assert found is not None and found["user"] == "anna"
    assert issuer.asked[0] == ("/token?v=2&audience=ggi", "bearer s3cret")
    assert "s3cret" not in str(found) and issuer.token not in str(found)


def _hmac_with_the_public_key(said: dict[str, Any]) -> str:
    """A token whose "shared secret" is the issuer's public key, by hand: no library makes one."""
    import hashlib
    import hmac

    pem = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def text(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    head = json.dumps({"alg": "HS256", "typ": "JWT", "kid": "r1"}).encode()
    body = f"{text(head)}.{text(json.dumps(said).encode())}"
    return f"{body}.{text(hmac.new(pem, body.encode(), hashlib.sha256).digest())}"


def _changed(token: str) -> str:
    """The same token with another person in it."""
    head, body, signature = token.split(".")
    said = json.loads(base64.urlsafe_b64decode(body + "=="))
    other = base64.urlsafe_b64encode(json.dumps({**said, "actor": "bert"}).encode()).rstrip(b"=").decode()
    return f"{head}.{other}.{signature}"


WRONG = {
    "another audience": lambda i: signed(claims(i, aud="https://github.com/rijnstad")),
    "no audience": lambda i: signed(claims(i, aud=None)),
    "it ended": lambda i: signed(claims(i, exp=int(time.time()) - 60)),
    "no end": lambda i: signed(claims(i, exp=None)),
    "not valid yet": lambda i: signed(claims(i, nbf=int(time.time()) + 600)),
    "another issuer": lambda i: signed(claims(i, iss="https://gitlab.example.test")),
    "no issuer": lambda i: signed(claims(i, iss=None)),
    "an issuer that begins alike": lambda i: signed(claims(i, iss=f"{i.url}/evil")),
    "another key": lambda i: signed(claims(i), OTHER_RSA),
    "another key of the other kind": lambda i: signed(claims(i), OTHER_EC, "ES256", "e1"),
    "the name of another key": lambda i: signed(claims(i), RSA, "RS256", "e1"),
    "the name of no key": lambda i: signed(claims(i), RSA, "RS256", "r2"),
    "no name of a key": lambda i: signed(claims(i), RSA, "RS256", None),
    "not signed": lambda i: signed(claims(i), "", "none"),
    "signed with the public key as secret": lambda i: _hmac_with_the_public_key(claims(i)),
    "another algorithm": lambda i: signed(claims(i), RSA, "RS512"),
    "changed": lambda i: _changed(signed(claims(i))),
    "another repository": lambda i: signed(claims(i, repository="stranger/landschap")),
    "no repository": lambda i: signed(claims(i, repository=None)),
    "nobody": lambda i: signed(claims(i, actor=None)),
    "no token": lambda _: "see above",
}


@pytest.mark.parametrize("name", WRONG)
def test_any_other_token_proves_nothing_and_is_told(issuer: Issuer, name: str) -> None:
    told: list[str] = []
    assert proven(issuer, WRONG[name](issuer), told) is None
    (text,) = told
    assert text.startswith("the token of the CI system proves nothing: ")
    assert not text.endswith(": ")


def test_an_issuer_that_calls_itself_otherwise_or_is_away_proves_nothing(issuer: Issuer) -> None:
    token, told = signed(claims(issuer)), list[str]()
    issuer.says = f"{issuer.url}/"
    assert proven(issuer, token, told) is None and "calls itself" in told[-1]
    issuer.says, issuer.keys = "", []
    assert proven(issuer, token, told) is None
    gone = "http://127.0.0.1:9"
    assert proof_of_ci({gone: [REPOSITORY]}, told.append, {"GGI_ID_TOKEN": signed(claims(issuer, iss=gone))}) is None
    assert len(told) == 3


def test_nothing_is_asked_when_the_inventory_lists_nobody_or_the_job_has_no_token(issuer: Issuer) -> None:
    told: list[str] = []
    job = {"ACTIONS_ID_TOKEN_REQUEST_URL": f"{issuer.url}/token", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "s3cret"}
    assert proof_of_ci({}, told.append, job) is None
    assert proof_of_ci({issuer.url: [REPOSITORY]}, told.append, {"GITHUB_ACTIONS": "true"}) is None
    assert (told, issuer.asked) == ([], [])


def test_a_proof_stands_in_the_trail_and_tells_people_apart(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("GGI_STATE_HOME", str(tmp_path))
    # The inventory takes https alone; this issuer is on loopback.
    rules = ChangeRules().model_copy(update={"issuers": {issuer.url: [REPOSITORY]}})

    def who(actor: str) -> dict[str, Any]:
        monkeypatch.setenv("GGI_ID_TOKEN", signed(claims(issuer, actor=actor)))
        stack = Stack.parse("net-rijnstad")
        operation = Operation("apply", stack, RealPlatform(), ChangeRequest("W1"), rules, lambda _: None)
        with operation.run() as going:
            found: dict[str, Any] = going.begun["who"]
        return found

    anna, bert = who("anna"), who("bert")
    assert anna["proven"]["user"] == "anna"
    assert same_person(anna, who("anna")) and not same_person(anna, bert), "one machine, two people"
