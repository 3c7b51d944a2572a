"""Ansible filter: the profiles of realms, by name of file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from ggi.hosts.profile import Method, Profile
from ggi.hosts.profiles import files


def client_profiles(
    realms: Iterable[str], organisation: str, server_name: str, authority: str, method: Method
) -> dict[str, str]:
    """What devices of each realm get."""
    made = (Profile(organisation, realm, server_name, authority, method) for realm in realms)
    return {name: text for profile in made for name, text in files(profile).items()}


class FilterModule:
    """See the module's docstring."""

    def filters(self) -> Mapping[str, Callable[..., dict[str, str]]]:
        """The filters of this file."""
        return {"client_profiles": client_profiles}
