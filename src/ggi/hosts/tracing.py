"""Reads the logs of attempts of a network's servers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from ggi.errors import Problem, WorkError
from ggi.hosts.audit import connection
from ggi.hosts.logs import LOG, Attempt, attempts
from ggi.hosts.managed_network import ManagedNetwork
from ggi.messages import t

AROUND = dt.timedelta(minutes=5)
"""How far from the named time an attempt may lie: people remember the time roughly."""


def read(place: ManagedNetwork, *needles: str) -> list[Attempt]:
    """The attempts that all servers of a network wrote, on lines with one of `needles` (default all).

    Raises WorkError when a server can't be read.
    """

    def of(host: str) -> Iterator[Attempt]:
        # Rotated logs are compressed; zgrep reads both. A server that nobody asked yet has none, which is no error.
        options = " ".join(f"-e '{needle}'" for needle in needles) or "-e @"
        folder, name = LOG.rsplit("/", 1)
        done = connection(place, host).run(f"find {folder} -name '{name}*' -exec zgrep -hiF {options} '{{}}' +")
        if done.stderr.strip() and not done.stdout:
            why = done.stderr.strip().splitlines()[-1:] or ["?"]
            raise WorkError(Problem(t("the log of {host} can't be read: {why}", host=host, why=why[0])))
        return attempts(done.stdout, host)

    with ThreadPoolExecutor(4) as pool:
        return [attempt for found in pool.map(lambda h: list(of(h)), sorted(place.hosts.servers)) for attempt in found]


def near(found: list[Attempt], moment: dt.datetime, realm: str) -> list[Attempt]:
    """Those of a realm around a moment."""
    wanted = realm.lower()
    return [one for one in found if one.realm == wanted and abs(one.time - moment) <= AROUND]
