"""The Pulumi program of every stack; all it does is in `ggi.engine.program` (of a cluster: `ggi.audit.cluster`)."""

from __future__ import annotations

from collections.abc import Sequence

from ggi.catalogue.content import Catalogue
from ggi.engine.program import main
from ggi.landscape.objects import Object


def of_cluster(stack: str, catalogue: Catalogue) -> Sequence[Object]:
    """What a cluster has of its own. Imported here: a landscape does not need it."""
    from ggi.audit.cluster import cluster_objects
    from ggi.audit.content import load_controls
    from ggi.audit.judge import today

    return cluster_objects(stack, load_controls(catalogue.roots), today())


main(of_cluster)
