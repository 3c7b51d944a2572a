"""Every component that is made here says who makes it, under which licence, where it comes from and how to leave."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per component."""
    for name in seen.landscape.order:
        item = seen.landscape.components[name]
        if not item.external:
            missing = [key for key in ("supplier", "licence", "source", "exit") if not getattr(item.component, key)]
            told = Detail("lacking", ", ".join(missing)) if missing else Detail("licence", item.component.licence)
            yield verdict(name, not missing, told)
