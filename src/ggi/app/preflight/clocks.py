"""Whether the clocks of this machine, of the API server and of the nodes agree."""

from __future__ import annotations

import datetime as dt
import email.utils
from collections.abc import Iterator

from ggi.app.preflight.row import PreflightOutcome, PreflightRow
from ggi.app.preflight.wanted import Wanted
from ggi.engine.kubeapi import KubeApi
from ggi.messages import t

MOST_APART = 5.0
"""Seconds. A one-time password counts for 30 (RFC 6238, 5.2), a JWT of the ZGW APIs is refused when it lies ahead."""
LATEST_RENEWAL = 40.0
"""Seconds after which a node that does not renew its lease counts as lost (kubernetes.io, Nodes: renewed every 10)."""
LEASES = "kube-node-lease"


def clocks(api: KubeApi, wanted: Wanted) -> Iterator[PreflightRow]:
    """This machine and the API server by the Date of its answer; each node by the renewal of its lease."""
    before = dt.datetime.now(dt.UTC)
    answer = api.http.get("/version")
    after = dt.datetime.now(dt.UTC)
    server = email.utils.parsedate_to_datetime(answer.headers["Date"])
    apart = _apart(server, before, after)
    well = apart <= MOST_APART
    yield PreflightRow(
        "time/server",
        t("clock of the API server"),
        t("{seconds:.0f} s from this machine's", seconds=apart),
        t("{seconds:.0f} s at most", seconds=MOST_APART),
        PreflightOutcome.WELL if well else PreflightOutcome.WRONG,
        "" if well else t("Let both follow a time server (NTP)."),
    )
    server = server + (dt.datetime.now(dt.UTC) - after)
    renewals = {
        item["metadata"]["name"]: dt.datetime.fromisoformat(item["spec"]["renewTime"])
        for item in api.list("coordination.k8s.io/v1", "Lease", LEASES)
        if (item.get("spec") or {}).get("renewTime")
    }
    wrong = out_of_step(renewals, server)
    yield PreflightRow(
        "time/nodes",
        t("clocks of {count} nodes", count=len(renewals)),
        ", ".join(wrong) if wrong else t("in step") if renewals else t("none"),
        t("leases renewed within {seconds:.0f} s, and not ahead", seconds=LATEST_RENEWAL),
        PreflightOutcome.WRONG if wrong else PreflightOutcome.WELL if renewals else PreflightOutcome.NOT_READ,
        t("Let the nodes follow a time server (NTP).") if wrong else "",
    )


def out_of_step(renewals: dict[str, dt.datetime], server: dt.datetime) -> list[str]:
    """Nodes whose lease was renewed in the future or long ago, with the seconds: each writes it by its own clock."""
    ages = {name: (server - renewed).total_seconds() for name, renewed in renewals.items()}
    # The Date of an answer has whole seconds.
    return [
        f"{name} {-age:+.0f} s" for name, age in sorted(ages.items()) if age > LATEST_RENEWAL or age < -MOST_APART - 1
    ]


def _apart(server: dt.datetime, before: dt.datetime, after: dt.datetime) -> float:
    """Seconds by which a clock differs at least, when it was read between these two moments; it shows whole seconds."""
    if server + dt.timedelta(seconds=1) < before:
        return (before - server).total_seconds() - 1
    return max(0.0, (server - after).total_seconds())
