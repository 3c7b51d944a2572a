#!/usr/bin/env python3
"""Ansible's view of the inventory: `ansible-inventory -i inventories/hosts.py --graph`.

GGI_INVENTORY names another inventory folder, GGI_HOSTS_SUPPLIED a file of what a sandbox supplies instead of others.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".venv" / "bin" / "python"


def main() -> int:
    """Print the inventory as JSON; errors go to standard error, without a traceback."""
    if PYTHON.exists() and Path(sys.prefix) != PYTHON.parents[1]:
        os.execv(  # noqa: S606  (the same script with its own packages)
            PYTHON, [str(PYTHON), *sys.argv]
        )
    sys.path.insert(0, str(ROOT / "src"))
    from ggi.errors import GgiError
    from ggi.hosts.network import SUPPLIED, all_hosts, ansible_inventory, load_supplied, networks
    from ggi.inventory.load import Inventory

    try:
        inventory = Inventory(Path(os.environ.get("GGI_INVENTORY") or ROOT / "inventories"))
        supplied = os.environ.get(SUPPLIED)
        found = all_hosts(networks(inventory), load_supplied(Path(supplied) if supplied else None))
        print(json.dumps(ansible_inventory(list(found)), indent=1))  # noqa: T201
    except GgiError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
