"""What happened to a log-in, in one sentence: from what the device saw and what the servers on the way wrote."""

from __future__ import annotations

from collections.abc import Sequence

from ggi.hosts.eapol import LoginOutcome, Result
from ggi.hosts.logs import Attempt
from ggi.messages import t

VLAN = 81
"""Tunnel-Private-Group-Id (RFC 2868)."""


def reason_of(attempt: Attempt) -> str:
    """Why a server refused, in words for people; FreeRADIUS' own words where no rule of ours is named."""
    rule, _, _ = attempt.reason.partition(":")
    known = {
        "EAP-1": t("the device sent no EAP"),
        "REALM-2": t("the name outside the tunnel has no realm that can be routed"),
        "REALM-3": t("the realm is not one of the organisation's"),
        "ID-1": t("the name outside the tunnel is not anonymous, or its realm differs from the one inside"),
    }
    if rule in known:
        return known[rule]
    if "no answer from the national level" in attempt.reason:
        return t("the national level did not answer")
    if "MS-CHAP2-Response is incorrect" in attempt.reason or "password" in attempt.reason.lower():
        return t("the password is wrong")
    if "No NT-Password" in attempt.reason or "No Auth-Type" in attempt.reason:
        return t("the user is not known")
    return attempt.reason


def describe_attempt(hops: Sequence[Attempt]) -> str:
    """One attempt over the hops that saw it."""
    first, last = hops[0], hops[-1]
    where = t("{time} UTC: device {mac} of {realm}", time=f"{first.time:%H:%M:%S}", mac=first.mac, realm=first.realm)
    way = " -> ".join(f"{hop.host} ({hop.client})" for hop in hops)
    if all(hop.accepted for hop in hops):
        return t("{where} logged in over {way}, VLAN {vlan}", where=where, way=way, vlan=first.vlan or last.vlan or "-")
    refused = [hop for hop in hops if not hop.accepted and hop.reason]
    if refused:
        return t("{where} was refused by {host}: {why}", where=where, host=refused[-1].host, why=reason_of(refused[-1]))
    beyond = t("the national level or the home organisation, which gave no reason")
    return t("{where} was refused beyond {way}: by {who}", where=where, way=way, who=beyond)


def describe_login(result: Result, who: str, server: str, hops: Sequence[Attempt]) -> str:
    """A log-in that was tried from here."""
    if result.outcome is LoginOutcome.ACCEPTED:
        vlan = result.first(VLAN)
        shown = bytes.fromhex(vlan).decode(errors="replace") if vlan else "-"
        return t(
            "{who} logged in by {server} in {seconds} s, {tls}, VLAN {vlan}",
            who=who,
            server=server,
            seconds=f"{result.seconds:.1f}",
            tls=result.tls or "TLS",
            vlan=shown,
        )
    if result.outcome is LoginOutcome.REFUSED:
        return t("the device refused the server: its certificate is not of the CA and name that the profile pins")
    if result.outcome is LoginOutcome.SILENT:
        return t(
            "{server} gave no answer: it is down, a firewall is between, or it does not know this address and secret",
            server=server,
        )
    if hops:
        return describe_attempt(hops)
    return t("{who} was refused by {server}, which wrote no reason", who=who, server=server)
