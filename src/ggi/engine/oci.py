"""Reading digests from container registries, by the API of the OCI distribution specification, version 1.1.

What a tag points at is fetched as it is, and its digest is computed here: a registry's word for it is compared, not
taken. For an image of several platforms that is the digest of the index, which names the image of each.

Sources: opencontainers/distribution-spec, spec.md (Pulling manifests); distribution/distribution,
docs/content/spec/auth/token.md (the token of a 401 with `Bearer`); the name of Docker Hub's API is that of
distribution/reference and of containerd (`docker.io` is served by registry-1.docker.io).
"""

from __future__ import annotations

import base64
import datetime as dt
import email.utils
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ggi.errors import WorkError
from ggi.messages import t

if TYPE_CHECKING:
    import httpx2

INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
MOST_BYTES = 4 * 1024 * 1024
"""Registries take manifests of 4 MiB at least (spec.md, Pushing Manifests); a larger one is not read."""
HUB, HUB_API = "docker.io", "registry-1.docker.io"
TRIES = 4
LONGEST_WAIT = 60.0
"""Seconds that a registry may ask to wait; for more than that, the command is run again later."""
TIMEOUT = 20.0

_TOO_MANY, _UNAUTHORISED, _FORBIDDEN, _NOT_FOUND, _OK, _BROKEN = 429, 401, 403, 404, 200, 500


@dataclass(frozen=True, slots=True)
class Found:
    """What a tag points at: its digest, and the platforms that it has (empty: it is an image of one platform)."""

    digest: str
    platforms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Registries:
    """Asks registries for digests. Tokens are kept per repository.

    `mirrors` as `ggi.engine.net.mirrors` gives them. `wait` is called with seconds.
    """

    def __init__(
        self, http: httpx2.Client, mirrors: Mapping[str, str], wait: Callable[[float], None] = time.sleep
    ) -> None:
        self._http = http
        self._mirrors = mirrors
        self._wait = wait
        self._tokens: dict[str, str] = {}
        self._silent: dict[str, WorkError] = {}
        """Hosts that no connection could be made to: they are not asked again."""

    def read(self, repository: str, tag: str) -> Found:
        """What `repository:tag` points at. Raises WorkError with the reason when it can't be read or is not right."""
        host, name = self.place(repository)
        address = f"https://{host}/v2/{name}/manifests/{tag}"
        answer = self._get(address, host, name)
        body = answer.body
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        told = answer.headers.get("Docker-Content-Digest", digest)
        if told.startswith("sha256:") and told != digest:
            raise WorkError(t("{host} says {told}, but what it sent is {digest}", host=host, told=told, digest=digest))
        return Found(digest, _platforms(body, answer.headers.get("Content-Type", ""), host))

    def place(self, repository: str) -> tuple[str, str]:
        """Host and name under which a repository is read: a mirror's, else the registry's own."""
        registry, _, name = repository.partition("/")
        if mirror := self._mirrors.get(registry):
            host, _, folder = mirror.partition("/")
            return host, f"{folder}/{name}".strip("/")
        return (HUB_API if registry == HUB else registry), name

    def _get(self, address: str, host: str, name: str) -> _Answer:
        import httpx2

        if host in self._silent:
            raise self._silent[host]
        accept = {"Accept": ", ".join((*INDEXES, *MANIFESTS)), "Accept-Encoding": "identity"}
        for attempt in range(1, TRIES + 1):
            token = self._tokens.get(f"{host}/{name}")
            headers = accept | ({"Authorization": token} if token else {})
            try:
                answer = self._bounded(address, headers, host)
            except httpx2.HTTPError as error:
                nobody = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError)
                if attempt < TRIES and not nobody and isinstance(error, httpx2.TransportError):
                    self._wait(2.0**attempt)
                    continue
                told = WorkError(t("{host} does not answer: {why}", host=host, why=error))
                if nobody:
                    self._silent[host] = told
                raise told from None
            status = answer.status
            if status == _OK:
                return answer
            if status == _UNAUTHORISED and token is None:
                self._tokens[f"{host}/{name}"] = self._authorise(answer, host, name)
            elif status == _TOO_MANY or status >= _BROKEN:
                seconds = _retry_after(answer) if status == _TOO_MANY else 2.0**attempt
                if attempt == TRIES or seconds > LONGEST_WAIT:
                    break
                self._wait(seconds)
            elif status == _NOT_FOUND:
                raise WorkError(t("{host} has no such repository or tag", host=host))
            else:
                break
        if status == _TOO_MANY:
            raise WorkError(t("{host} takes no more requests now; run it again later", host=host))
        if status in (_UNAUTHORISED, _FORBIDDEN):
            raise WorkError(t("{host} does not let us read it (status {status})", host=host, status=status))
        raise WorkError(t("{host} answers with status {status}", host=host, status=status))

    def _bounded(self, address: str, headers: Mapping[str, str], host: str) -> _Answer:
        with self._http.stream("GET", address, headers=dict(headers)) as answer:
            body = b""
            for part in answer.iter_raw():
                body += part
                if len(body) > MOST_BYTES:
                    raise WorkError(t("{host} sends more than {most} bytes", host=host, most=MOST_BYTES))
            return _Answer(answer.status_code, answer.headers, body)

    def _authorise(self, answer: _Answer, host: str, name: str) -> str:
        """The value of Authorization that a 401 asks for."""
        import httpx2

        scheme, _, rest = answer.headers.get("WWW-Authenticate", "").partition(" ")
        login = _login(host)
        if scheme.lower() == "basic" and login:
            return f"Basic {login}"
        said = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        realm = said.get("realm", "")
        if scheme.lower() != "bearer" or not realm.startswith("https://"):
            raise WorkError(t("{host} asks for a log-in that is not known here", host=host))
        asked = {"scope": said.get("scope") or f"repository:{name}:pull"}
        if "service" in said:
            asked["service"] = said["service"]
        headers = {"Authorization": f"Basic {login}"} if login else {}
        try:
            got = self._http.get(realm, params=asked, headers=headers)
            found = got.json() if got.status_code == _OK else {}
        except (httpx2.HTTPError, ValueError) as error:
            raise WorkError(t("{host} gives no token: {why}", host=host, why=error)) from None
        token = (found.get("token") or found.get("access_token")) if isinstance(found, dict) else None
        if not isinstance(token, str):
            raise WorkError(t("{host} gives no token: {why}", host=host, why=t("status {n}", n=got.status_code)))
        return f"Bearer {token}"


def _login(host: str) -> str:
    """User and password of `docker login` for a registry, in base64; empty when there are none."""
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    try:
        known = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("auths", {})
        for name in (host, "https://index.docker.io/v1/" if host == HUB_API else host):
            held = known.get(name, {}).get("auth", "")
            if held and base64.b64decode(held, validate=True):
                return str(held)
    except (OSError, ValueError, AttributeError):
        pass
    return ""


def _retry_after(answer: _Answer) -> float:
    """Seconds that a registry asks to wait: a number, or a date (RFC 9110, 10.2.3); 5 when it does not say."""
    said = answer.headers.get("Retry-After", "")
    if said.isdigit():
        return float(said)
    try:
        date = email.utils.parsedate_to_datetime(said)
    except ValueError:
        return 5.0
    return max(0.0, (date - dt.datetime.now(dt.UTC)).total_seconds())


def _platforms(body: bytes, content_type: str, host: str) -> tuple[str, ...]:
    """The platforms of an index; empty for a manifest. Raises WorkError when it is neither."""
    try:
        said: Any = json.loads(body)
        kind = said.get("mediaType") or content_type.partition(";")[0].strip()
        if kind in INDEXES and isinstance(said["manifests"], list) and said["manifests"]:
            named = [one.get("platform") or {} for one in said["manifests"]]
            known = [f"{p['os']}/{p['architecture']}" for p in named if p.get("os") not in (None, "unknown")]
            return tuple(dict.fromkeys(known)) or ("?",)
        if kind in MANIFESTS and isinstance(said["config"], dict):
            return ()
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise WorkError(t("{host} sends something that is no image", host=host))
