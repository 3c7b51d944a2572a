"""The Pulumi program of every stack; all it does is in `ggi.app.program`."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ggi.app.program import main
from ggi.catalogue.content import Catalogue
from ggi.landscape.build import Landscape
from ggi.landscape.objects import Object


def of_cluster(stack: str, catalogue: Catalogue) -> Sequence[Object]:
    """What a cluster has of its own. Imported here: a landscape does not need it."""
    from ggi.clock import today
    from ggi.controls.load import load_controls
    from ggi.enforcement.cluster_stack import cluster_objects

    return cluster_objects(stack, load_controls(catalogue.roots), today())


def admitted(built: Landscape, catalogue: Catalogue) -> str:
    """What an urgent update, or a baseline, lets through; nothing is imported when there is neither."""
    if not (os.environ.get("GGI_BASELINE") or os.environ.get("GGI_URGENT")):
        return ""
    from ggi.enforcement.exemptions import admitted as found

    return found(built, catalogue)


main(of_cluster, admitted)
