"""The Pulumi program of every stack; all it does is in `ggi.engine.program` (of a cluster: `ggi.audit.cluster`)."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ggi.catalogue.content import Catalogue
from ggi.engine.program import main
from ggi.landscape.build import Landscape
from ggi.landscape.objects import Object


def of_cluster(stack: str, catalogue: Catalogue) -> Sequence[Object]:
    """What a cluster has of its own. Imported here: a landscape does not need it."""
    from ggi.audit.cluster import cluster_objects
    from ggi.audit.content import load_controls
    from ggi.clock import today

    return cluster_objects(stack, load_controls(catalogue.roots), today())


def admitted(built: Landscape, catalogue: Catalogue) -> str:
    """What an urgent update, or a baseline, lets through; nothing is imported when there is neither."""
    if not (os.environ.get("GGI_BASELINE") or os.environ.get("GGI_URGENT")):
        return ""
    from ggi.audit.letthrough import admitted as found

    return found(built, catalogue)


main(of_cluster, admitted)
