"""`python -m ggi`."""

import gc
import sys

try:
    from ggi.cli.main import main
    from ggi.engine.net import spread
except KeyboardInterrupt:
    # Nothing was begun yet, and nothing is there yet that could tell it in the user's language.
    sys.exit(1)


def run(arguments: list[str] | None = None) -> int:
    """Run one command in a process that ends with it; returns the exit code.

    A command makes many objects and hardly a cycle: to look for cycles after each 700 of them, as Python does of
    itself, would take a fifth of its time.
    """
    gc.set_threshold(20_000)
    spread()
    return main(arguments)


if __name__ == "__main__":
    sys.exit(run())
