"""The token with which a CI system proves who started a run: OpenID Connect, for the audience `ggi`.

Which claim names the person, and how a job gets the token, per system:

- GitHub Actions: `actor`, "the personal account that initiated the workflow run" (GitHub, OpenID Connect reference).
  A job with `permissions: id-token: write` asks ACTIONS_ID_TOKEN_REQUEST_URL for it, with
  ACTIONS_ID_TOKEN_REQUEST_TOKEN as bearer (GitHub, OpenID Connect in cloud providers). Who runs a workflow *again* is
  in no claim: `actor` stays who ran it first.
- GitLab: `user_login`, the user that executes the job (GitLab, ID token authentication). `id_tokens:` in the pipeline
  gives a job the token in a variable that the pipeline names: `GGI_ID_TOKEN: {aud: ggi}`.
- Azure Pipelines: nothing. One asks for its token with a service connection and without an audience (Azure DevOps REST
  API, Oidctoken - Create): it is made for Entra ID, and names the connection.

Every repository of a shared system gets tokens of one issuer, for any audience it likes: a workflow of a stranger that
somebody's comment set off would have their name in it. So the repository counts as well (GitHub: "you must define at
least one condition, so that untrusted repositories can't request access tokens").
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ggi.assurance.identity import Identity
from ggi.messages import t

AUDIENCE = "ggi"
ALGORITHMS = ("RS256", "ES256")
"""RS256 is what GitHub and GitLab sign with. `none`, and what needs a shared secret, are not taken (RFC 8725, 3.1)."""
CLAIMS = (("actor", "repository", "run_id"), ("user_login", "project_path", "job_id"))
"""Claims that name the person, the repository and the run: of GitHub Actions, and of GitLab."""
SECONDS = 10.0
"""How long is waited for an answer of the CI system."""


class _UnprovenError(Exception):
    """The token proves nothing; says why."""


def proof_of_ci(
    issuers: Mapping[str, Sequence[str]], report: Callable[[str], None], environment: Mapping[str, str] = os.environ
) -> Identity | None:
    """Who started this run, as one of `issuers` (address of a CI system, its repositories) signed it; None if none did.

    Nothing is asked when the inventory lists no issuer, or no job gave a token. `report` is told why a token that is
    there proves nothing. Raises nothing.
    """
    if not issuers:
        return None
    import httpx2
    import jwt

    from ggi.engine.net import client

    try:
        with client(timeout=SECONDS) as http:
            token = _token(http, environment)
            return _proof(http, token, issuers) if token else None
    except (_UnprovenError, httpx2.HTTPError, httpx2.InvalidURL, jwt.PyJWTError, ValueError) as error:
        report(t("the token of the CI system proves nothing: {why}", why=str(error) or type(error).__name__))
        return None


def _json(http: Any, address: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    answer = http.get(address, headers=headers)
    answer.raise_for_status()
    found = answer.json()
    if not isinstance(found, dict):
        raise _UnprovenError(t("{address} does not answer with an object", address=address))
    return found


def _token(http: Any, environment: Mapping[str, str]) -> str:
    """The token of this job; empty when it has none."""
    if given := environment.get("GGI_ID_TOKEN"):
        return given
    address, bearer = (environment.get(f"ACTIONS_ID_TOKEN_REQUEST_{name}") for name in ("URL", "TOKEN"))
    if not address or not bearer:
        return ""
    joint = "&" if "?" in address else "?"
    found = _json(http, f"{address}{joint}audience={AUDIENCE}", {"Authorization": f"bearer {bearer}"})
    return str(found.get("value", ""))


def _proof(http: Any, token: str, issuers: Mapping[str, Sequence[str]]) -> Identity:
    """What the token says, when an issuer of the inventory signed it, for us and our repository, and it did not end."""
    import jwt

    issuer = str(jwt.decode(token, options={"verify_signature": False}).get("iss", ""))
    if issuer not in issuers:
        raise _UnprovenError(t("{issuer} is not in `changes.issuers` of national.yaml", issuer=issuer or "-"))
    told = _json(http, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if told.get("issuer") != issuer:
        # OpenID Connect Discovery 1.0, 4.3: it must be the very address that was asked.
        raise _UnprovenError(t("{issuer} calls itself {other}", issuer=issuer, other=told.get("issuer")))
    named = jwt.get_unverified_header(token).get("kid")
    listed = jwt.PyJWKSet.from_dict(_json(http, str(told.get("jwks_uri", "")))).keys
    key = next((one for one in listed if named is not None and one.key_id == named), None)
    if key is None:
        raise _UnprovenError(t("{issuer} has no key {name}", issuer=issuer, name=named or "-"))
    claims = jwt.decode(
        token,
        key,
        algorithms=list(ALGORITHMS),
        audience=AUDIENCE,
        issuer=issuer,
        options={"require": ["exp", "iat", "iss", "aud"]},
    )
    for person, repository, run in CLAIMS:
        if claims.get(person):
            where = str(claims.get(repository, ""))
            if where not in issuers[issuer]:
                raise _UnprovenError(
                    t("{repository} is not among the repositories of {issuer}", repository=where, issuer=issuer)
                )
            return {"by": issuer, "user": str(claims[person]), "repository": where, "run": str(claims.get(run, ""))}
    raise _UnprovenError(t("it names nobody"))
