"""Requests to Microsoft Graph for one tenant: tokens, budgets, repeated attempts, batches of 20, pages."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Self
from urllib.parse import urlsplit

import httpx2
import jwt

from ggi.cookbook.graph.budget import LONGEST_WAIT, RATES, Budget, Clock, pause
from ggi.cookbook.graph.credential import Token, TokenSource
from ggi.engine.net import trusted
from ggi.errors import Problem, WorkError
from ggi.messages import t

ENDPOINT = "https://graph.microsoft.com"
BATCH = 20
"""Requests in one $batch at most (Microsoft Graph, JSON batching)."""
ATTEMPTS = 8
"""Times that one request is sent at most; with doubling pauses that is about two minutes."""
MOST_PAGES = 1000
AGAIN = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Request:
    """One request. `url` begins after the version; `service` is whose budget it counts on."""

    url: str
    service: str = "identity"
    method: str = "GET"
    body: Mapping[str, Any] | None = None
    etag: str = ""
    version: str = "v1.0"

    @property
    def headers(self) -> dict[str, str]:
        """Headers that Graph sees, in a batch or alone."""
        made = {"Content-Type": "application/json"} if self.body is not None else {}
        return made | ({"If-Match": self.etag} if self.etag else {})


@dataclass(frozen=True)
class Answer:
    """An answer; `body` is {} when there is none."""

    status: int
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def fine(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300

    @property
    def error(self) -> str:
        """The code and message of an error; Graph's messages hold no secrets."""
        inner = self.body.get("error")
        if isinstance(inner, Mapping):
            return f"{self.status} {inner.get('code', '')}: {inner.get('message', '')}"
        return str(self.status)


@cache
def _tls() -> ssl.SSLContext:
    """One for all tenants: reading the certificate authorities takes 30 ms each time."""
    return trusted()


def _json(response: httpx2.Response) -> Mapping[str, Any]:
    try:
        found = response.json() if response.content else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


class GraphClient:
    """The requests of one credential in one tenant. Use as an asynchronous context manager."""

    def __init__(
        self,
        credential: TokenSource,
        *,
        endpoint: str = ENDPOINT,
        clock: Clock | None = None,
        rates: Mapping[str, float] = RATES,
        http: httpx2.AsyncClient | None = None,
        budgets: dict[str, Budget] | None = None,
    ) -> None:
        self.credential = credential
        self.clock = clock or Clock()
        self.requests = 0
        """HTTP requests that were sent."""
        self.writes = 0
        """Requests that change something and were accepted."""
        self._rates = rates
        self._endpoint = endpoint
        self._budgets = budgets if budgets is not None else {}
        self._token: Token | None = None
        self._accepted: Token | None = None
        self._own = http is None
        self._http = http or httpx2.AsyncClient(timeout=httpx2.Timeout(30.0, connect=10.0), verify=_tls())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._own:
            await self._http.aclose()

    async def _take(self, services: Sequence[str]) -> None:
        for service in dict.fromkeys(services):
            budget = self._budgets.setdefault(service, Budget(self._rates.get(service, 4.0), self.clock))
            await budget.take(services.count(service))

    async def _authorization(self, renew: bool) -> dict[str, str]:
        if self._token is None or self._token.stale or renew:
            self._token = await self.credential.token()
        return {"Authorization": f"Bearer {self._token.value}"}

    async def _post(self, method: str, url: str, body: Any, headers: Mapping[str, str]) -> httpx2.Response:
        """One HTTP request; a token that was refused is replaced once. Raises WorkError when nobody answers."""
        renewed = False
        for attempt in range(ATTEMPTS):
            own = await self._authorization(renew=renewed)
            self.requests += 1
            try:
                response = await self._http.request(
                    method, f"{self._endpoint}{url}", json=body, headers={**headers, **own}
                )
            except httpx2.TransportError as error:
                if attempt == ATTEMPTS - 1 or method not in ("GET", "POST"):
                    raise self._silent(type(error).__name__) from None
                await self.clock.sleep(pause(attempt, None, self.clock))
                continue
            if response.status_code == 401 and not renewed:
                renewed = True
                continue
            if response.is_success:
                self._accepted = self._token
            return response
        raise self._silent("401")

    @property
    def caller(self) -> str:
        """Whom Graph knows us as, from the token with which it accepted a request; empty before that.

        That Graph took the token is the proof: it is made for Graph, so here it is read and not validated, and what
        can't be read is left out. Claims by Microsoft's "Access token claims reference": `scp` is in tokens of users
        only, `upn` names the user, `oid` identifies who asks, `appid` is the application.
        """
        if self._accepted is None:
            return ""
        try:
            claims = jwt.decode(self._accepted.value, options={"verify_signature": False})
        except jwt.PyJWTError:
            return ""
        if claims.get("scp"):
            return str(claims.get("upn") or claims.get("oid") or "")
        return f"application {claims['appid']}" if claims.get("appid") else str(claims.get("oid", ""))

    def _silent(self, why: str) -> WorkError:
        host = urlsplit(self._endpoint).netloc
        fix = t("Check the network, and run the same command again: it goes on where it stopped.")
        return WorkError(Problem(t("{host} does not answer: {why}", host=host, why=why), fix))

    async def send(self, request: Request) -> Answer:
        """Send one request; repeats what was refused for being too much, or for a moment."""
        for attempt in range(ATTEMPTS):
            await self._take([request.service])
            response = await self._post(
                request.method, f"/{request.version}{request.url}", request.body, request.headers
            )
            answer = Answer(response.status_code, _json(response), response.headers)
            if answer.status not in AGAIN or (answer.status != 429 and request.method == "POST"):
                break
            wait = pause(attempt, response.headers.get("Retry-After"), self.clock)
            if attempt == ATTEMPTS - 1 or wait > LONGEST_WAIT:
                break
            await self.clock.sleep(wait)
        if answer.fine and request.method != "GET":
            self.writes += 1
        return answer

    async def batch(self, requests: Sequence[Request]) -> list[Answer]:
        """Send many reads, 20 at a time and in one version each; every one is judged apart. In the same order."""
        answers: dict[int, Answer] = {}
        for version in dict.fromkeys(r.version for r in requests):
            waiting = [n for n, r in enumerate(requests) if r.version == version]
            attempts = dict.fromkeys(waiting, 0)
            while waiting:
                now, waiting = waiting[:BATCH], waiting[BATCH:]
                again, wait = await self._one_batch(requests, now, version, answers, attempts)
                if again:
                    await self.clock.sleep(wait)
                    waiting = again + waiting
        return [answers[n] for n in range(len(requests))]

    async def _one_batch(
        self,
        requests: Sequence[Request],
        numbers: Sequence[int],
        version: str,
        answers: dict[int, Answer],
        attempts: dict[int, int],
    ) -> tuple[list[int], float]:
        """Send one batch; returns the numbers that must be sent again, and after how many seconds."""
        await self._take([requests[n].service for n in numbers])
        body = {"requests": [{"id": str(n), "method": "GET", "url": requests[n].url} for n in numbers]}
        response = await self._post("POST", f"/{version}/$batch", body, {})
        if response.status_code in AGAIN:
            found = {n: Answer(response.status_code, _json(response), response.headers) for n in numbers}
        elif response.status_code != 200:
            raise self._silent(Answer(response.status_code, _json(response)).error)
        else:
            found = {
                int(item["id"]): Answer(int(item["status"]), item.get("body") or {}, item.get("headers") or {})
                for item in _json(response).get("responses", [])
            }
        again: list[int] = []
        wait = 0.0
        for number in numbers:
            answer = found.get(number, Answer(504))
            if answer.status in AGAIN and attempts[number] < ATTEMPTS - 1:
                seconds = pause(attempts[number], answer.headers.get("Retry-After"), self.clock)
                attempts[number] += 1
                if seconds <= LONGEST_WAIT:
                    again.append(number)
                    wait = max(wait, seconds)
                    continue
            answers[number] = answer
        return again, wait

    async def rest_of(self, request: Request, first: Answer) -> Answer:
        """All pages of a collection, of which `first` is the first. A page that fails makes the whole fail."""
        if "value" not in first.body:
            return first
        values = list(first.body["value"])
        link = first.body.get("@odata.nextLink")
        for _ in range(MOST_PAGES):
            if not link:
                return Answer(first.status, {**first.body, "value": values}, first.headers)
            parts = urlsplit(str(link))
            path = parts.path.removeprefix(f"/{request.version}")
            page = await self.send(Request(f"{path}?{parts.query}", request.service, version=request.version))
            if not page.fine:
                return page
            values += page.body.get("value", [])
            link = page.body.get("@odata.nextLink")
        return Answer(508, {"error": {"code": "tooManyPages", "message": request.url}})
