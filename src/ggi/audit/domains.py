"""What the DNS says of the domains of a gemeente, for web and mail: read here, judged by pure checks.

DNSSEC is validated here, from a trust anchor (the root's, or one that is given) down to the name, so that no resolver
has to be believed. What can't be read stays None, and a check says UNKNOWN of it. Denial of existence is not validated:
a delegation without DS counts as not signed, which can only make a verdict worse.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

import dns.dnssec
import dns.exception
import dns.message
import dns.name
import dns.node
import dns.query
import dns.rcode
import dns.rdataset
import dns.rdatatype
import dns.resolver
import dns.rrset

from ggi.controls.observation import Domain

ROOT_ANCHORS = (
    "20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
    "38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
)
"""DS of the root's keys (data.iana.org, root-anchors.xml: KSK-2017 and KSK-2024)."""
TIMEOUT = 5.0


Ask = Callable[[str, str], dns.message.Message | None]
"""Name and type to the answer with signatures; None when nobody answered."""


Fetch = Callable[[str], str | None]
"""The text at an address; "" when there is none, None when nobody answered."""
WELL_KNOWN = "/.well-known/security.txt"
MOST = 32 * 1024
"""Bytes that are read of a security.txt at most (RFC 9116, 5.2 asks for a limit)."""


def fetch(address: str) -> str | None:
    """What a web server answers; its certificate must be trusted here."""
    import httpx2

    from ggi.engine.net import client

    try:
        with client(timeout=TIMEOUT, follow_redirects=True) as http, http.stream("GET", address) as answer:
            if answer.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR:
                return None
            if answer.status_code != httpx2.codes.OK:
                return ""
            found = b""
            for part in answer.iter_bytes():
                found += part
                if len(found) > MOST:
                    return ""
            return found.decode("utf-8", "replace")
    except httpx2.HTTPError:
        return None


def asking(server: str, port: int = 53) -> Ask:
    """Questions to one resolver, with DNSSEC data and without its opinion; over TCP when the answer is long."""

    def ask(name: str, kind: str) -> dns.message.Message | None:
        question = dns.message.make_query(name, kind, want_dnssec=True, payload=1232)
        question.flags |= dns.flags.CD
        try:
            return dns.query.udp_with_fallback(question, server, port=port, timeout=TIMEOUT)[0]
        except (dns.exception.DNSException, OSError):
            return None

    return ask


def system_resolver() -> Ask | None:
    """Questions to the resolvers of this machine, in order until one answers; None when it has none."""
    try:
        resolvers = [asking(str(server)) for server in dns.resolver.Resolver().nameservers]
    except dns.exception.DNSException:
        return None

    def ask(name: str, kind: str) -> dns.message.Message | None:
        return next((answer for one in resolvers if (answer := one(name, kind)) is not None), None)

    return ask if resolvers else None


Keys = dict[dns.name.Name, dns.node.Node | dns.rdataset.Rdataset]


def _set(answer: dns.message.Message | None, name: dns.name.Name, kind: str) -> dns.rrset.RRset | None:
    wanted = dns.rdatatype.from_text(kind)
    for found in answer.answer if answer is not None else ():
        if found.name == name and found.rdtype == wanted:
            return found
    return None


class Validator:
    """Validates signatures from trust anchors (DS records as text, by zone) downwards."""

    def __init__(self, ask: Ask, anchors: Mapping[str, Iterable[str]], now: float | None = None) -> None:
        self._ask = ask
        self._now = time.time() if now is None else now
        self._anchors = {dns.name.from_text(zone): list(records) for zone, records in anchors.items()}
        self._zones: dict[dns.name.Name, dns.rrset.RRset | None] = {}

    def _signed_by(self, answer: dns.message.Message | None, found: dns.rrset.RRset, kind: str, keys: Keys) -> bool:
        signatures = None
        for item in answer.answer if answer is not None else ():
            if item.name == found.name and item.rdtype == dns.rdatatype.RRSIG and item.covers.name == kind:
                signatures = item
        if signatures is None:
            return False
        try:
            dns.dnssec.validate(found, signatures, keys, now=self._now)
        except dns.exception.DNSException:
            return False
        return True

    def _keys(self, zone: dns.name.Name, ds: Iterable[str]) -> dns.rrset.RRset | None:
        """The keys of a zone, when one of `ds` stands for one of them and that one signs them all."""
        answer = self._ask(zone.to_text(), "DNSKEY")
        found = _set(answer, zone, "DNSKEY")
        if found is None:
            return None
        wanted = {record.upper().replace(" ", "") for record in ds}
        for key in found:
            for digest in ("SHA256", "SHA384"):
                text = dns.dnssec.make_ds(zone, key, digest, validating=True).to_text()
                trusted = dns.rrset.from_rdata(zone, found.ttl, key)
                if text.upper().replace(" ", "") in wanted and self._signed_by(
                    answer, found, "DNSKEY", {zone: trusted}
                ):
                    return found
        return None

    def zone_of(self, name: dns.name.Name) -> tuple[dns.name.Name, dns.rrset.RRset] | None:
        """The closest signed zone above a name, with its keys, when every step down to it is signed."""
        above = [anchor for anchor in self._anchors if name.is_subdomain(anchor)]
        if not above:
            return None
        zone = max(above, key=len)
        keys = self._keys(zone, self._anchors[zone])
        for length in range(len(zone) + 1, len(name) + 1):
            if keys is None:
                return None
            child = dns.name.Name(name.labels[-length:])
            answer = self._ask(child.to_text(), "DS")
            ds = _set(answer, child, "DS")
            if ds is not None:
                if not self._signed_by(answer, ds, "DS", {zone: keys}):
                    return None
                zone, keys = child, self._keys(child, [record.to_text() for record in ds])
            elif _set(self._ask(child.to_text(), "SOA"), child, "SOA") is not None:
                # A zone of its own that its parent has no DS of: not signed from here on.
                return None
        return (zone, keys) if keys is not None else None

    def valid(self, name: str, kind: str) -> bool | None:
        """Whether a record set is there and validly signed; None when nobody answered."""
        full = dns.name.from_text(name)
        answer = self._ask(name, kind)
        if answer is None:
            return None
        found = _set(answer, full, kind)
        zone = self.zone_of(full)
        return found is not None and zone is not None and self._signed_by(answer, found, kind, {zone[0]: zone[1]})


def texts(ask: Ask, name: str, kind: str, *, aliases: bool = False) -> list[str] | None:
    """Records as text; None when nobody answered or the server failed. `aliases`: also those that a CNAME leads to."""
    answer = ask(name, kind)
    if answer is None or answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return None
    full = dns.name.from_text(name)
    if aliases and isinstance(answer, dns.message.QueryMessage) and answer.rcode() == dns.rcode.NOERROR:
        full = answer.canonical_name()
    found = _set(answer, full, kind)
    if found is None:
        return []
    if kind == "TXT":
        return [b"".join(record.strings).decode("ascii", "replace") for record in found]
    return sorted(record.to_text() for record in found)


def _one(records: list[str] | None, start: str) -> str | None:
    """The one record that begins so; several are none, as RFC 7208 (4.5) and RFC 7489 (6.6.3) have it."""
    if records is None:
        return None
    fitting = [text for text in records if text.lower().startswith(start)]
    return fitting[0] if len(fitting) == 1 else ""


def _caa(ask: Ask, name: str) -> tuple[str, ...] | None:
    """The CAA records that hold for a name: its own, or those of the closest name above (RFC 8659, 3)."""
    labels = name.split(".")
    for start in range(len(labels) - 1):
        found = texts(ask, ".".join(labels[start:]), "CAA")
        if found is None:
            return None
        if found:
            return tuple(found)
    return ()


def _dkim(ask: Ask, name: str) -> bool | None:
    """Whether there is anything under `_domainkey`.

    Selectors can't be listed, but a server says NXDOMAIN only where nothing is below a name either (RFC 8020).
    """
    answer = ask(f"_domainkey.{name}", "TXT")
    if answer is None or answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return None
    return bool(answer.rcode() == dns.rcode.NOERROR)


def read_domain(
    name: str, ask: Ask, anchors: Mapping[str, Iterable[str]] | None = None, fetch: Fetch | None = None
) -> Domain:
    """Everything that controls look at, of one domain. Without `fetch` no web server is asked."""
    validator = Validator(ask, anchors if anchors is not None else {".": ROOT_ANCHORS})
    kinds = [kind for kind in ("A", "AAAA", "MX", "SOA") if texts(ask, name, kind)]
    reachable = texts(ask, name, "SOA") is not None
    addresses, mx = texts(ask, name, "AAAA"), texts(ask, name, "MX")
    servers = None if mx is None else tuple(text.split()[1].rstrip(".") for text in mx if text != "0 .")
    return Domain(
        name=name,
        signed=None if not reachable else bool(kinds) and all(validator.valid(name, kind) for kind in kinds),
        addresses6=None if addresses is None else tuple(addresses),
        caa=_caa(ask, name),
        spf=_one(texts(ask, name, "TXT"), "v=spf1"),
        dmarc=_one(texts(ask, f"_dmarc.{name}", "TXT"), "v=dmarc1"),
        mx=servers,
        dane=None
        if servers is None
        else tuple(server for server in servers if validator.valid(f"_25._tcp.{server}", "TLSA")),
        dkim=_dkim(ask, name),
        security=fetch(f"https://{name}{WELL_KNOWN}") if fetch is not None else None,
    )
