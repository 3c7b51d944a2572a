"""What a drawing of a landscape shows, before anything has a place: cards, arrows and the cluster's edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ggi.catalogue.component import Layer
from ggi.catalogue.relation import Auth, Relation
from ggi.landscape.build import Landscape
from ggi.landscape.relations import ComponentInstance
from ggi.messages import t

LAYERS = {
    Layer.INTERACTIE: "Interactie",
    Layer.PROCES: "Proces",
    Layer.INTEGRATIE: "Integratie",
    Layer.SERVICES: "Services",
    Layer.DATA: "Data",
    Layer.PLATFORM: "Platform",
}
"""Common Ground's five layers by their Dutch names, and the platform below them."""
SHARED = (Layer.DATA, Layer.PLATFORM)
"""Nearly every component uses what is in these layers; a badge says so, where an arrow each would hide the rest."""


@dataclass(frozen=True, slots=True)
class Badge:
    """A use of something that is shared (`icon` is database, cache, key or plug), or of an own API (loop)."""

    relations: tuple[Relation, ...]
    title: str
    icon: str
    story: str


@dataclass(frozen=True, slots=True)
class Card:
    """A component as drawn. `pods` are (process, number); `icon` is empty unless it is shared."""

    name: str
    title: str
    summary: str
    layer: Layer
    version: str
    external: bool
    host: str
    """Public host name; of what exists already, host and port."""
    pods: tuple[tuple[str, int], ...]
    badges: tuple[Badge, ...]
    waits: tuple[str, ...]
    wishes: tuple[str, ...]
    icon: str = ""
    users: int = 0
    """How many other components use it, when it is shared."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """API relations from one component to another, numbered as in the table below the drawing."""

    number: int
    source: str
    target: str
    relations: tuple[Relation, ...]


@dataclass(frozen=True, slots=True)
class Edge:
    """What is outside the namespace and talks with it. `members` are titles of components."""

    name: str
    title: str
    inward: bool
    ports: tuple[int, ...]
    components: tuple[str, ...]
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that is drawn."""

    title: str
    subtitle: str
    description: str
    namespace: str
    cards: tuple[Card, ...]
    arrows: tuple[Arrow, ...]
    edges: tuple[Edge, ...]

    def layer(self, layer: Layer) -> list[Card]:
        """The cards of one layer."""
        return [card for card in self.cards if card.layer is layer]


def is_shared(relation: Relation, built: Landscape) -> bool:
    """Is this the use of something that nearly every component uses?"""
    layer = built.components[relation.provider].component.layer
    own = built.components[relation.consumer].component.layer
    return relation.auth in (Auth.PASSWORD, Auth.OIDC) or (layer in SHARED and own not in SHARED)


def is_arrow(relation: Relation, built: Landscape) -> bool:
    """Is this drawn as an arrow? Otherwise it is a badge on the consumer."""
    return relation.provider != relation.consumer and not is_shared(relation, built)


def icon(item: ComponentInstance) -> str:
    """The pictogram of a component that others share, by what it offers."""
    offers = item.component.offers
    if any(api.auth is Auth.OIDC for api in offers):
        return "key"
    if any(api.name == "database" for api in offers):
        return "database"
    return "cache" if item.component.layer is Layer.DATA else "plug"


def apis(relations: Sequence[Relation]) -> str:
    """The APIs of relations as people call them."""
    return ", ".join(dict.fromkeys(t(api.title) or api.name for relation in relations for api in relation.apis))


def edge_title(name: str) -> str:
    """What an edge of the cluster is called."""
    return {
        "apiserver": t("Kubernetes API"),
        "backup": t("Backup"),
        "crl": t("Revocation lists"),
        "dns": t("DNS"),
        "fsc": t("FSC: other organisations"),
        "gateway": t("Gateway"),
        "monitoring": t("Monitoring"),
        "operators": t("Operators"),
        "smtp": t("Mail"),
        "solver": t("Certificate checks"),
    }.get(name, name)


def pods(built: Landscape, item: ComponentInstance) -> tuple[tuple[str, int], ...]:
    """Number of pods per process, as the objects say; an operator's own objects say it as `instances`."""
    if item.external or item.name in built.waiting:
        return ()
    counts: dict[str, int] = {}
    for made in built.of(item.name):
        spec = made.body.get("spec", {})
        if made.kind in ("Deployment", "StatefulSet"):
            counts[made.name.rpartition("/")[2]] = spec["replicas"]
        elif "instances" in spec:
            counts |= {p.name: spec["instances"] for p in item.component.processes if p.pod_labels}
    return tuple((p.name, counts.get(p.name, p.replicas)) for p in item.component.processes)


def _badges(built: Landscape, name: str) -> tuple[Badge, ...]:
    groups: dict[str, list[Relation]] = {}
    for relation in built.relations:
        if relation.consumer == name and not is_arrow(relation, built):
            groups.setdefault(relation.provider, []).append(relation)
    result = []
    for provider, found in sorted(groups.items(), key=lambda g: (g[0] == name, g[0])):
        title, sign = found[0].provider_title, icon(built.components[provider])
        story = t("uses {provider}: {apis}", provider=title, apis=apis(found))
        result.append(
            Badge(tuple(found), apis(found), "loop", t("calls its own {apis}", apis=apis(found)))
            if provider == name
            else Badge(tuple(found), title, sign, story)
        )
    return tuple(result)


def _host(built: Landscape, name: str) -> str:
    """The public host name; of what exists already, where it is."""
    external = built.environment.components[name].external
    return f"{external.host}:{external.port}" if external is not None else built.hosts.get(name, "")


def _waits_with(built: Landscape, item: ComponentInstance) -> tuple[str, ...]:
    """A component that lacks nothing itself, but needs others that wait: their titles."""
    if item.name not in built.waiting:
        return ()
    needed = dict.fromkeys(u.component for u in item.component.uses if not u.optional and u.component in built.waiting)
    return tuple(built.components[name].component.title for name in needed)


def _card(built: Landscape, name: str, item: ComponentInstance) -> Card:
    own = [o.input for o in built.open_inputs if o.component == name]
    users = {r.consumer for r in built.relations if r.provider == name != r.consumer and is_shared(r, built)}
    return Card(
        name=name,
        title=item.component.title,
        summary=t(item.component.summary),
        layer=item.component.layer,
        version=item.version.version,
        external=item.external,
        host=_host(built, name),
        pods=pods(built, item),
        badges=_badges(built, name),
        waits=tuple(t(i.title) for i in own if i.blocks) or _waits_with(built, item),
        wishes=tuple(t(i.title) for i in own if not i.blocks),
        icon=icon(item) if users else "",
        users=len(users),
    )


def arrow_groups(built: Landscape) -> dict[tuple[str, str], list[Relation]]:
    """Relations that are drawn as arrows, by consumer and provider, in the order of layers and names."""
    rank = {layer: number for number, layer in enumerate(Layer)}
    groups: dict[tuple[str, str], list[Relation]] = {}
    for relation in built.relations:
        if is_arrow(relation, built):
            groups.setdefault((relation.consumer, relation.provider), []).append(relation)

    def key(pair: tuple[str, str]) -> tuple[int, str, int, str]:
        one, two = (built.components[name].component for name in pair)
        return rank[one.layer], one.name, rank[two.layer], two.name

    return {pair: groups[pair] for pair in sorted(groups, key=key)}


def edges(built: Landscape) -> tuple[Edge, ...]:
    """The edges that flows use, inward ones first; DNS is every pod's."""
    found: dict[tuple[bool, str], tuple[set[int], set[str]]] = {}
    for flow in built.flows:
        for outer, inner, inward in ((flow.source, flow.target, True), (flow.target, flow.source, False)):
            if outer.edge and not outer.edge.startswith("external "):
                ports, members = found.setdefault((inward, outer.edge), (set(), set()))
                ports.update(flow.ports)
                members.add(inner.component)
    result = []
    for (inward, name), (ports, members) in found.items():
        ordered = tuple(n for n in built.components if n in members)
        titles = tuple(built.components[n].component.title for n in ordered)
        result.append(Edge(name, edge_title(name), inward, () if inward else tuple(sorted(ports)), ordered, titles))
    dns = built.environment.cluster.dns
    result.append(Edge("dns", edge_title("dns"), False, tuple(dns.ports), (), (t("all pods"),)))
    first = {"gateway": 0, "fsc": 1}
    return tuple(sorted(result, key=lambda e: (not e.inward, first.get(e.name, 9), e.name == "dns", e.name)))


def picture(built: Landscape) -> Picture:
    """What the drawing of a landscape shows. Depends on the landscape and the language of the output alone."""
    environment = built.environment
    rank = {layer: number for number, layer in enumerate(Layer)}
    names = sorted(built.components, key=lambda n: (rank[built.components[n].component.layer], n))
    facts = t(
        "{stack} · release {release} · namespace {namespace} on cluster {cluster}",
        stack=built.stack,
        release=environment.release,
        namespace=environment.namespace,
        cluster=environment.cluster_name,
    )
    description = t(
        "{components} components, {relations} relations and {flows} allowed network flows, by layer of Common Ground.",
        components=len(built.components),
        relations=len(built.relations),
        flows=len(built.flows),
    )
    return Picture(
        title=f"{environment.tenant.name} · {environment.name}",
        subtitle=facts,
        description=description,
        namespace=environment.namespace,
        cards=tuple(_card(built, name, built.components[name]) for name in names),
        arrows=tuple(
            Arrow(number, source, target, tuple(found))
            for number, ((source, target), found) in enumerate(arrow_groups(built).items(), 1)
        ),
        edges=edges(built),
    )
