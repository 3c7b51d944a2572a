"""How many requests a tenant may get per second and service, and how long to wait when it says that it had enough."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

RATES: Mapping[str, float] = {
    # Microsoft Graph service-specific throttling limits: identity writes 3,000 per 150 s for an app and a tenant.
    "identity": 20.0,
    # 1 request per second for a tenant over all applications, and no Retry-After.
    "conditionalAccess": 1.0,
    # No number is published for these; modest on purpose.
    "sharepoint": 5.0,
    "teams": 4.0,
    "reports": 4.0,
    # Identity and access reports (sign-ins, registrations): 5 requests per 10 s for an app and a tenant.
    "logs": 0.5,
}
"""Requests per second of one tenant, by service."""

LONGEST_WAIT = 120.0
"""Seconds; a service that asks for more is reported as not answering."""


@dataclass
class Clock:
    """Time as the channel sees it; tests give one that does not wait."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random


@dataclass
class Budget:
    """Spaces the requests to one service of one tenant evenly."""

    rate: float
    clock: Clock
    _next: float = 0.0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def take(self, count: int = 1) -> None:
        """Wait until `count` requests may be sent."""
        async with self._lock:
            now = self.clock.now()
            wait = self._next - now
            if wait > 0:
                await self.clock.sleep(wait)
            self._next = max(now, self._next) + count / self.rate


def pause(attempt: int, retry_after: str | None, clock: Clock) -> float:
    """Seconds to wait after the answer 429 or 5xx number `attempt` (from 0).

    What the service says, else doubling from 1 s with jitter, since some services send no Retry-After.
    """
    if retry_after is not None and retry_after.strip().replace(".", "", 1).isdigit():
        return float(retry_after)
    return min(60.0, 2.0**attempt) * (0.5 + clock.jitter() / 2)
