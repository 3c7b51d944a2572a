"""Images of the release itself, pulled from where they are published, or from a mirror; recipes are for the rest.

Registry by registry: one that answers within seconds is pulled from, and another isn't waited for. Proxy, authorities
and mirrors are those of `ggi.engine.net`; podman reads the first two by itself, as Go programs do. What the cluster's
own programs are made from is not asked for: those are built here everywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

from ggi.engine import net
from ggi.engine.oci import Registries
from ggi.errors import WorkError
from ggi.messages import t
from sandbox.node.images import REPOSITORY, Images, reference_parts

Report = Callable[[str], None]

ANSWER_SECONDS = 4.0
"""For all registries together to answer. One whose first byte takes longer would make a start wait for every image."""
PULL_SECONDS = 900


@dataclass(frozen=True)
class PulledImage:
    """An image that came from a registry, by the name that the release gives it."""

    reference: str

    @property
    def tag(self) -> str:
        """Its name in the store of this machine."""
        return f"{REPOSITORY}/release:{hashlib.sha256(self.reference.encode()).hexdigest()[:12]}"

    @property
    def source(self) -> str:
        """What podman is asked for: from the mirror if there is one, and by the digest alone where it is known."""
        repository, rest = reference_parts(self.reference)
        tag, at, digest = rest.partition("@")
        registry, slash, name = repository.partition("/")
        return f"{net.mirrors().get(registry, registry)}{slash}{name}{at + digest or tag}"


def pull(references: Iterable[str], store: Images, report: Report) -> dict[str, PulledImage]:
    """Those of `references` that are in the store or that their registry gives now, by reference.

    A pull that fails is told in one line. Raises InputError for a setting of the network that is no good.
    """
    wanted = [PulledImage(reference) for reference in sorted(set(references))]
    found = {image.reference: image for image in wanted if store.has(image.tag)}
    missing = [image for image in wanted if image.reference not in found]
    if not missing:
        return found
    with net.client(timeout=ANSWER_SECONDS) as http:
        registries = Registries(http, net.mirrors())
        hosts = {image.reference: registries.place(reference_parts(image.reference)[0])[0] for image in missing}
    there = answering(set(hosts.values()), report)
    for image in missing:
        if hosts[image.reference] not in there:
            continue
        report(t("{name}: pulling it", name=image.reference))
        try:
            store.pull(image.source, image.tag, PULL_SECONDS)
            found[image.reference] = image
        except WorkError as error:
            why = error.problems[0].message.strip().splitlines()[-1]
            report(t("{name}: not pulled, it is made here: {why}", name=image.reference, why=why))
    return found


def answering(hosts: Collection[str], report: Report) -> set[str]:
    """Those of these hosts that speak the registries' API; what does not within seconds is told in one line."""
    if not hosts:
        return set()
    pool = ThreadPoolExecutor(max_workers=len(hosts))
    asked = {pool.submit(net.mirror_fault, host, ANSWER_SECONDS): host for host in hosts}
    done, _ = wait(asked, ANSWER_SECONDS)
    # What is still asked ends by its own time limit.
    pool.shutdown(wait=False, cancel_futures=True)
    found = {asked[one] for one in done if not one.result()}
    if silent := sorted(set(hosts) - found):
        report(t("no answer of {hosts}: their images are made here", hosts=", ".join(silent)))
    return found
