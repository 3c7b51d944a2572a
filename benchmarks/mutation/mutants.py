"""Mutants of the reference landscape: one thing in one object made worse, to see which mutants no control notices.

Nothing is picked by hand: every node of every object is mutated, also inside documents and configuration files that
stand in a ConfigMap. What does not count is excluded by `policies/mutation.yaml`, for one of a few reasons.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ggi.controls.examples import Mutation, changed
from ggi.controls.observation import Subject
from ggi.controls.kinds import POD_SPEC
from ggi.controls.redaction import LITERAL

Step = str | int
Steps = tuple[Step, ...]


class Operator(StrEnum):
    """What was done."""

    DROP = "drop"
    """The field, the item or the line is gone; at the top: the whole object."""
    FLIP = "flip"
    """Another value: the opposite, nothing, or a name that nobody knows."""
    WIDEN = "widen"
    """More than was meant: everything, a thousand times, a weaker algorithm."""
    ADD = "add"
    """A field that was not there, and that gives rights or hides something."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mutant. `place` is for people and patterns: positions in lists are `*`; `shown` has them."""

    subject: Subject
    operator: Operator
    steps: Steps
    line: int | None
    value: Any
    original: Any
    """What stood there, None for what was added."""

    @property
    def shown(self) -> str:
        """The place, with positions."""
        place = ".".join(map(str, self.steps))
        return f"{place} line {self.line}" if self.line is not None else place

    @property
    def place(self) -> str:
        """The place, without positions."""
        place = ".".join("*" if isinstance(step, int) else step for step in self.steps)
        return f"{place} line" if self.line is not None else place

    def body(self) -> Mapping[str, Any] | None:
        """The object as the mutant has it; None when the object itself is dropped."""
        if not self.steps:
            return None
        change = Mutation.model_construct(path="", value=self.value, remove=self.operator is Operator.DROP)
        if self.line is not None or self.operator is Operator.ADD:
            change = Mutation.model_construct(path="", value=self.value)
        result: Mapping[str, Any] = changed(self.subject.body, self.steps, change)
        return result


OPPOSITES: Mapping[str, str] = {
    one: other
    for pair in (("true", "false"), ("on", "off"), ("yes", "no"), ("True", "False"), ("present", "absent"))
    for one, other in (pair, pair[::-1])
}
"""Words that are switches."""

WEAKER: Mapping[str, str] = {
    "hostssl": "host",
    "hostnossl": "host",
    "scram-sha-256": "trust",
    "reject": "trust",
    "verify-full": "require",
    "TLSv1.3": "TLSv1.1",
    "1.2": "1.0",
    "required": "none",
    "external": "none",
    "all": "none",
    "ECDSA": "RSA",
    "https": "http",
    "INFO": "DEBUG",
    "info": "debug",
    "WARNING": "DEBUG",
    "RuntimeDefault": "Unconfined",
    "restricted": "privileged",
    "ClusterIP": "LoadBalancer",
    "Same": "All",
    "Always": "Never",
    "Terminate": "Passthrough",
    "retain": "delete",
    "ECDHE-ECDSA-AES256-GCM-SHA384": "AES256-SHA",
    "X25519": "secp192r1",
    "S256": "plain",
    "HmacSHA1": "HmacMD5",
    "ReadWriteOnce": "ReadWriteMany",
    "RejectRequest": "Allow",
}
"""What a setting becomes when somebody makes it less strict."""

_WORDS = re.compile("|".join(rf"(?<![\w.-]){re.escape(word)}(?![\w.-])" for word in sorted(WEAKER, key=len)[::-1]))
_SIZE = re.compile(r"([0-9]+)([a-zA-Z]{1,2})?")
_CIDR = re.compile(r"[0-9a-f.:]+/[0-9]{1,3}")
FOREIGN = "mutant"
"""A name that nothing has."""
FACTOR = 1000


def _flipped(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return 0 if value else 1
    if value in OPPOSITES:
        return OPPOSITES[value]
    if _CIDR.fullmatch(value):
        return "203.0.113.0/24"
    match = _SIZE.fullmatch(value)
    if match is not None:
        return f"0{match[2] or ''}" if int(match[1]) else f"1{match[2] or ''}"
    return f"{FOREIGN}-{value}"


def _widened(value: Any, *, item: bool) -> Iterator[Any]:
    """What a scalar becomes when it allows more; nothing when there is no more of it."""
    if isinstance(value, bool) or value in OPPOSITES:
        return
    if isinstance(value, int | float):
        yield value * FACTOR or FACTOR
        return
    if _CIDR.fullmatch(value):
        yield "::/0" if ":" in value else "0.0.0.0/0"
        return
    match = _SIZE.fullmatch(value)
    if match is not None:
        yield f"{int(match[1]) * FACTOR or FACTOR}{match[2] or ''}"
        return
    weaker = _WORDS.sub(lambda found: WEAKER[found[0]], value)
    if weaker != value:
        yield weaker
    if "," in value and " " not in value:
        yield f"{value},*"
    elif item or "://" in value:
        yield "*"


def _document(value: Any) -> Any:
    """What a text holds when it is JSON (the landscape writes YAML that way too), else None."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return None
    return None


_PROGRAM = re.compile(r"^(#!|\"\"\")")


def _lines(text: str) -> list[tuple[int, str]]:
    """The lines of a configuration file that say something; a program is one thing, so it has none."""
    if _PROGRAM.match(text):
        return []
    lines = [(n, line) for n, line in enumerate(text.splitlines()) if line.strip(" \t{}#")]
    return lines if len(lines) > 1 else []


class _Maker:
    def __init__(self, subject: Subject) -> None:
        self.subject = subject

    def one(self, operator: Operator, steps: Steps, value: Any, original: Any, line: int | None = None) -> Mutant:
        return Mutant(self.subject, operator, steps, line, value, original)

    def of(self, value: Any, steps: Steps) -> Iterator[Mutant]:
        yield self.one(Operator.DROP, steps, None, value)
        document = _document(value) if steps else None
        as_it_stands: Callable[[Any], Any] = json.dumps if document is not None else lambda new: new
        value = value if document is None else document
        if isinstance(value, Mapping):
            if steps and value:
                yield self.one(Operator.WIDEN, steps, as_it_stands({}), value)
            for key, inner in value.items():
                yield from self.of(inner, (*steps, key))
        elif isinstance(value, list):
            if value:
                yield self.one(Operator.WIDEN, steps, as_it_stands([]), value)
            everything = "*" if value and isinstance(value[0], str) else {}
            yield self.one(Operator.ADD, steps, as_it_stands([*value, everything]), None)
            for number, inner in enumerate(value):
                yield from self.of(inner, (*steps, number))
        elif isinstance(value, str) and (lines := _lines(value)):
            yield from self._of_lines(value, lines, steps)
        elif self.subject.kind == "Secret" and steps[:1] == ("data",):
            # Only what kind of value it is stands here, never the value.
            if value != LITERAL:
                yield self.one(Operator.FLIP, steps, LITERAL, value)
        elif value is not None:
            yield self.one(Operator.FLIP, steps, _flipped(value), value)
            for wide in _widened(value, item=bool(steps) and isinstance(steps[-1], int)):
                yield self.one(Operator.WIDEN, steps, wide, value)

    def _of_lines(self, text: str, lines: Iterable[tuple[int, str]], steps: Steps) -> Iterator[Mutant]:
        every = text.splitlines()
        for number, line in lines:

            def joined(*new: str, at: int = number) -> str:
                return "\n".join([*every[:at], *new, *every[at + 1 :]]) + "\n"

            yield self.one(Operator.DROP, steps, joined(), line, number + 1)
            key, space, rest = line.rpartition("=") if "=" in line else line.rpartition(" ")
            bare = rest.rstrip(";")
            for operator, new in (
                (Operator.FLIP, [_flipped(bare)]),
                (Operator.WIDEN, list(_widened(bare, item=False))),
            ):
                for value in new:
                    yield self.one(operator, steps, joined(f"{key}{space}{value}{rest[len(bare) :]}"), line, number + 1)


_OWNER = [{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "x", "controller": True}]
_IN_POD: Sequence[tuple[Steps, Any]] = (
    (("hostNetwork",), True),
    (("hostPID",), True),
    (("hostIPC",), True),
    (("shareProcessNamespace",), True),
    (("nodeName",), "node-1"),
    (("hostAliases",), [{"ip": "203.0.113.1", "hostnames": ["openzaak-web"]}]),
    (("priorityClassName",), "system-node-critical"),
    (("tolerations",), [{"operator": "Exists"}]),
    (("dnsPolicy",), "None"),
    (("runtimeClassName",), "other"),
    (("imagePullSecrets",), [{"name": "other"}]),
    (("ephemeralContainers",), [{"name": "debug", "image": "docker.io/library/busybox:1"}]),
    (("securityContext", "sysctls"), [{"name": "net.core.somaxconn", "value": "1"}]),
    (("securityContext", "supplementalGroups"), [0]),
    (("securityContext", "windowsOptions"), {"hostProcess": True}),
    (("securityContext", "seLinuxOptions"), {"type": "spc_t"}),
    (("securityContext", "appArmorProfile"), {"type": "Unconfined"}),
)
_IN_CONTAINER: Sequence[tuple[Steps, Any]] = (
    (("securityContext", "capabilities", "add"), ["SYS_ADMIN"]),
    (("securityContext", "procMount"), "Unmasked"),
    (("securityContext", "runAsUser"), 0),
    (("securityContext", "runAsGroup"), 0),
    (("securityContext", "windowsOptions"), {"hostProcess": True}),
    (("securityContext", "seLinuxOptions"), {"type": "spc_t"}),
    (("securityContext", "appArmorProfile"), {"type": "Unconfined"}),
    (("lifecycle",), {"postStart": {"exec": {"command": ["sh", "-c", "true"]}}}),
    (("stdin",), True),
    (("volumeDevices",), [{"name": "disk", "devicePath": "/dev/xvda"}]),
)
_VOLUMES: Sequence[Any] = (
    {"name": "x", "hostPath": {"path": "/"}},
    {"name": "x", "nfs": {"server": "203.0.113.1", "path": "/"}},
    {"name": "x", "csi": {"driver": "other"}},
    {"name": "x", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}},
)
_ANYWHERE: Sequence[tuple[Steps, Any]] = ((("metadata", "ownerReferences"), _OWNER),)
_BY_KIND: Mapping[str, Sequence[tuple[Steps, Any]]] = {
    "Service": (
        (("spec", "externalIPs"), ["203.0.113.1"]),
        (("spec", "externalName"), "example.com"),
        (("spec", "publishNotReadyAddresses"), True),
        (("spec", "ports", 0, "nodePort"), 30443),
    ),
    "NetworkPolicy": ((("spec", "ingress"), [{}]), (("spec", "egress"), [{}])),
    "ServiceAccount": ((("imagePullSecrets",), [{"name": "other"}]),),
    "Certificate": ((("spec", "keystores"), {"pkcs12": {"create": True, "passwordSecretRef": {"name": "x"}}}),),
    "Gateway": ((("spec", "addresses"), [{"type": "IPAddress", "value": "203.0.113.1"}]),),
    "ClientTrafficPolicy": (
        (("spec", "tls", "signatureAlgorithms"), ["rsa_pkcs1_sha1"]),
        (("spec", "tls", "session"), {"resumption": {"stateless": {}}}),
        (("spec", "enableProxyProtocol"), True),
        (("spec", "headers", "disableRateLimitHeaders"), True),
        (("spec", "headers", "preserveXRequestID"), True),
    ),
    "Cluster": (
        (("spec", "postgresql", "parameters", "fsync"), "off"),
        (("spec", "postgresql", "parameters", "ssl"), "off"),
        (("spec", "managed", "roles", 0, "superuser"), True),
        (("spec", "managed", "roles", 0, "createrole"), True),
        (("spec", "managed", "roles", 0, "createdb"), True),
        (("spec", "managed", "roles", 0, "replication"), True),
        (("spec", "managed", "roles", 0, "bypassrls"), True),
    ),
    "Role": ((("rules", 0), {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}),),
}
"""Fields that give rights (Pod Security Standards; the APIs' own reference), and that the landscape never uses."""


def _added(subject: Subject) -> Iterator[tuple[Steps, Any]]:
    yield from _ANYWHERE
    yield from _BY_KIND.get(subject.kind, ())
    way = POD_SPEC.get(subject.kind)
    pod = subject.pod
    if way is None or pod is None:
        return
    for steps, value in _IN_POD:
        yield (*way, *steps), value
    for field in ("containers", "initContainers"):
        for number, container in enumerate(pod.get(field) or ()):
            for steps, value in _IN_CONTAINER:
                yield (*way, field, number, *steps), value
            for port in range(len(container.get("ports") or ())):
                yield (*way, field, number, "ports", port, "hostPort"), 8443
    for volume in _VOLUMES:
        yield (*way, "volumes"), [*(pod.get("volumes") or ()), volume]
    yield (*way, "containers"), [*pod["containers"], {"name": "x", "image": "docker.io/library/busybox:1"}]


def _there(body: Any, steps: Steps) -> bool:
    """Whether everything on the way to a new field is there, and the field itself is not or is a list."""
    for step in steps[:-1]:
        try:
            body = body[step]
        except (LookupError, TypeError):
            return False
    return isinstance(body, Mapping | list)


def mutants(subject: Subject) -> Iterator[Mutant]:
    """Every mutant of one object, in a fixed order."""
    maker = _Maker(subject)
    yield from maker.of(subject.body, ())
    for steps, value in _added(subject):
        if _there(subject.body, steps):
            yield maker.one(Operator.ADD, steps, value, None)


def distinct(landscapes: Iterable[tuple[str, Sequence[Subject]]]) -> Iterator[tuple[str, Mutant]]:
    """The mutants of several landscapes, each place of each logical name once: (landscape, mutant)."""
    known: dict[tuple[str, Operator, Steps, int | None], str] = {}
    for landscape, subjects in landscapes:
        for mutant in itertools.chain.from_iterable(map(mutants, subjects)):
            key = (mutant.subject.name, mutant.operator, mutant.steps, mutant.line)
            if known.setdefault(key, landscape) == landscape:
                yield landscape, mutant
