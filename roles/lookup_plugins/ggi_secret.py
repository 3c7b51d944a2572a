"""Ansible lookup: the value of a secret by its reference, on the controller, when a task needs it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

DOCUMENTATION = r"""
name: ggi_secret
short_description: The value of a secret by its reference
description:
  - C(derived(path)) is computed from the stack's root key (GGI_ROOT_KEY_FILE); C(given(path)) is read from
    C(GGI_SECRETS_DIR/<stack>/<path>). Use it in tasks with C(no_log) only.
options:
  _terms: {description: References., required: true}
"""

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from ggi.errors import GgiError  # noqa: E402
from ggi.hosts.secrets import value  # noqa: E402


class LookupModule(LookupBase):
    """See DOCUMENTATION."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **_: Any) -> list[str]:
        """The values of `terms` for the stack that the variable ggi_stack names."""
        stack = str(self._templar.template((variables or {}).get("ggi_stack", "")))
        try:
            return [value(str(term), stack) for term in terms]
        except GgiError as error:
            raise AnsibleLookupError(str(error)) from None
