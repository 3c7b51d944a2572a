"""Runs inside a component, after its configuration: withdraws credentials that the configuration no longer names.

The steps of django-setup-configuration add and change, and never remove, so a client id of before a rotation would stay
valid for ever. Identifiers `<name>-r<number>` belong to the toolkit; all others are left alone.
"""

import re

import yaml
from django.apps import apps

OURS = r"^[a-z][a-z0-9-]*-r[0-9]+$"
PLACES = (
    ("vng_api_common", "jwtsecret", "vng_api_common_credentials"),
    ("token", "tokenauth", "tokenauth"),
)
"""Application, model, namespace in the document."""

with open("/app/setup_configuration/data.yaml", encoding="utf-8") as file:  # noqa: PTH123
    document = yaml.safe_load(file)

for application, name, namespace in PLACES:
    try:
        model = apps.get_model(application, name)
    except LookupError:
        continue
    wanted = {item["identifier"] for item in document.get(namespace, {}).get("items", ())}
    for found in model.objects.all():
        if re.match(OURS, found.identifier) and found.identifier not in wanted:
            print(f"withdrawn: {found.identifier}")  # noqa: T201
            found.delete()
