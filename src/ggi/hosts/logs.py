"""The log of attempts that every server writes: its lines, reading them, and joining those of several hops."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ggi.errors import Problem, WorkError
from ggi.hosts.audit import connection
from ggi.hosts.network import ManagedNetwork
from ggi.messages import t

LOG = "/var/log/freeradius/govroam.log"
FIELDS = (
    "time", "result", "client", "outer", "inner", "mac", "station", "operator", "cui", "vlan", "tls", "reason",
)  # fmt: skip
"""Fields of a line, in order, with tabs between them; the format is in the role freeradius (linelog govroam_log)."""


@dataclass(frozen=True)
class Attempt:
    """One attempt as one server saw it."""

    host: str
    time: dt.datetime
    result: str
    client: str
    outer: str
    inner: str
    mac: str
    station: str
    operator: str
    cui: str
    vlan: str
    tls: str
    reason: str

    @property
    def accepted(self) -> bool:
        """Whether it ended well."""
        return self.result == "Access-Accept"

    @property
    def realm(self) -> str:
        """The realm outside the tunnel, in lower case."""
        return self.outer.rpartition("@")[2].lower()


def attempts(text: str, host: str) -> Iterator[Attempt]:
    """The attempts in a log; lines that are no attempt (cut off while they were written) are left out."""
    for line in text.splitlines():
        parts = line.split("\t")
        if len(parts) != len(FIELDS):
            continue
        try:
            moment = dt.datetime.strptime(parts[0], "%Y-%m-%d %H:%M:%S").replace(tzinfo=dt.UTC)
        except ValueError:
            continue
        yield Attempt(host, moment, *parts[1:])


WINDOW = dt.timedelta(seconds=10)
"""Lines of one device this close together are one attempt: longer than the slowest refusal over all hops (2.2 s)."""


def join_attempts(found: Iterable[Attempt]) -> list[list[Attempt]]:
    """Attempts grouped over hops: the same device and realm within a few seconds. Sorted by time."""
    groups: list[list[Attempt]] = []
    for attempt in sorted(found, key=lambda a: (a.mac, a.realm, a.time)):
        last = groups[-1][-1] if groups else None
        same = last is not None and (last.mac, last.realm) == (attempt.mac, attempt.realm)
        new_host = bool(groups) and attempt.host not in {one.host for one in groups[-1]}
        if last is not None and same and new_host and attempt.time - last.time <= WINDOW:
            groups[-1].append(attempt)
        else:
            groups.append([attempt])
    return sorted(groups, key=lambda group: group[0].time)


AROUND = dt.timedelta(minutes=5)
"""How far from the named time an attempt may lie: people remember the time roughly."""


def read_attempts(place: ManagedNetwork, *needles: str) -> list[Attempt]:
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


def attempts_around(found: list[Attempt], moment: dt.datetime, realm: str) -> list[Attempt]:
    """Those of a realm around a moment."""
    wanted = realm.lower()
    return [one for one in found if one.realm == wanted and abs(one.time - moment) <= AROUND]
