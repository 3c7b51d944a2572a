"""A new EAP certificate, in the order that devices need: the profile first, then the servers.

Devices pin a CA. A certificate of the same CA can be put in place at any time. One of another CA locks out every device
that does not have a profile with both CAs yet, so the servers come last: when the profile went out, and enough devices
have it. `step` says what is next; the role freeradius refuses the wrong order by itself (`freeradius_reached`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ggi.hosts.certificates import anchor, problems
from ggi.inventory.govroam import LEAST_REACHED, Eap, days_left
from ggi.messages import t


class Step(StrEnum):
    """What is next."""

    NOTHING = "nothing"
    """The servers have this certificate."""
    MEND = "mend"
    """The new certificate can't be used."""
    AUTHORITIES = "authorities"
    """Write both CAs in `eap.authority`."""
    PROFILE = "profile"
    """Hand out the profile with both CAs, and write down when."""
    WAIT = "wait"
    """Too few devices have the profile."""
    SERVERS = "servers"
    """Put it on the servers, one after the other."""


@dataclass(frozen=True)
class Advice:
    """The next step and why, in sentences."""

    step: Step
    told: tuple[str, ...]


def step(current: Sequence[tuple[str, str]], new: str, eap: Eap, now: dt.datetime) -> Advice:
    """What is next, when the servers have `current` (chain and CAs in PEM) and `new` was supplied."""
    authority = eap.authority or ""
    wrong = problems(new, eap.server_name, "eap", authority, now)
    if current and all(pem.strip() == new.strip() for pem, _ in current):
        left = days_left(new, now)
        return Advice(Step.NOTHING, (t("the servers have this certificate; it is valid for {days} days", days=left),))
    target = anchor(new, authority)
    if target is None:
        return Advice(Step.AUTHORITIES, (t("eap.authority lacks the CA of the new certificate: write both CAs"),))
    if wrong:
        return Advice(Step.MEND, tuple(wrong))
    # What no device trusts now (a certificate that somebody put there by hand) can't lock anybody out.
    trusted = [pem for pem, known in current if anchor(pem, known) is not None]
    present = {anchor(pem, authority) for pem in trusted}
    if None in present:
        fix = t("eap.authority lacks the CA of the certificate that the servers have: write both CAs")
        return Advice(Step.AUTHORITIES, (fix,))
    if present <= {target}:
        return Advice(Step.SERVERS, (t("the CA stays the same, so devices notice nothing"),))
    rollover = eap.rollover
    if rollover is None or rollover.profile_out > now.date():
        told = t("another CA: hand out profiles with both CAs, then write eap.rollover.profile_out")
        return Advice(Step.PROFILE, (told,))
    if rollover.reached < LEAST_REACHED:
        told = t(
            "{reached} % of the devices have the profile of {date}; {least} % are needed before the servers change",
            reached=rollover.reached,
            date=rollover.profile_out,
            least=LEAST_REACHED,
        )
        return Advice(Step.WAIT, (told,))
    told = t(
        "{reached} % of the devices have the profile of {date}", reached=rollover.reached, date=rollover.profile_out
    )
    return Advice(Step.SERVERS, (told,))
