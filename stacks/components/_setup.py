"""What goes into the databases of the Django components by Maykin: documents for django-setup-configuration.

Facts: names and shapes of the steps are those of django-setup-configuration, zgw-consumers, mozilla-django-oidc-db,
notifications-api-common and commonground-api-common. `tests/real/test_setup_configuration.py` executes them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ggi.catalogue.component import Configuration, Context
from ggi.catalogue.relation import Credential, Relation
from ggi.catalogue.secrets import SecretText, text

SETUP_PATH = "/app/setup_configuration/data.yaml"
RETIRE_PATH = "/app/setup_configuration/retire.py"
RETIRE = Path(__file__).with_name("_setup_retire.py").read_text(encoding="utf-8")
NOTIFICATIONS = "notificaties-api"
"""Identifier of the service Open Notificaties. Identifiers of services are for life: the address is unique as well, so
the step can't write a second service with the same one."""
RETRIES = {
    "notification_delivery_max_retries": 5,
    "notification_delivery_retry_backoff": 3,
    "notification_delivery_retry_backoff_max": 48,
}
"""A notification must survive a restart of the other side."""
NAMESPACE_UUID = uuid.UUID("6f1a2b34-0f3e-4c5b-9a53-27d9a1c3b7e0")
"""Root of the UUIDs that we choose for configuration records."""

USER = {
    "claim_mappings": {
        "username": ["sub"],
        "email": ["email"],
        "first_name": ["given_name"],
        "last_name": ["family_name"],
    },
    "username_case_sensitive": True,
}
GROUPS = {
    "claim_mapping": ["groups"],
    "sync": True,
    "sync_pattern": "*",
    "default_groups": [],
    "make_users_staff": True,
    "superuser_group_names": ["beheerders"],
}


def stable_uuid(*parts: str) -> str:
    """A UUID that stays the same for the same words; marked as version 4, which the applications insist on."""
    made = uuid.uuid5(NAMESPACE_UUID, "/".join(parts))
    return str(uuid.UUID(bytes=made.bytes, version=4))


def credential_of(relation: Relation) -> Credential:
    """The credential that the consumer uses now. Raises ValueError when the relation has none."""
    if relation.credential is None:
        raise ValueError(f"{relation.id} has no credential")
    return relation.credential


class Setup:
    """Collects the document and the secrets that it reads from its environment."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.document: dict[str, Any] = {}
        self.secrets: dict[str, SecretText] = {}
        self.services: list[dict[str, Any]] = []

    def value_from(self, name: str, value: SecretText) -> dict[str, Any]:
        """A reference to an environment variable, which this adds."""
        key = name.upper().replace("-", "_")
        self.secrets[key] = value
        return {"value_from": {"env": key}}

    def step(self, flag: str, namespace: str, content: Mapping[str, Any]) -> None:
        """Switch a step on; an unknown flag is silently nothing, so steps are only written here and tested by use."""
        self.document[flag] = True
        self.document[namespace] = dict(content)

    def site(self) -> None:
        """The name that is shown; at most 50 characters (django.contrib.sites)."""
        name = f"{self.context.component.title} {self.context.environment.tenant.name}"[:50]
        self.step("sites_config_enable", "sites_config", {"items": [{"domain": self.context.host, "name": name}]})

    def jwt_service(self, relation: Relation, api: str, identifier: str) -> None:
        """A service of zgw-consumers that signs a JWT."""
        credential = credential_of(relation)
        self._service(
            relation,
            api,
            identifier,
            auth_type="zgw",
            client_id=credential.client_id,
            secret=self.value_from(f"{relation.provider}_secret", text(credential.secret)),
            user_id=credential.client_id,
            user_representation=self.context.component.title,
        )

    def token_service(self, relation: Relation, api: str, identifier: str) -> None:
        """A service of zgw-consumers that sends `Authorization: Token …`; the variable holds the whole header."""
        header = text("Token ", credential_of(relation).secret)
        self._service(
            relation,
            api,
            identifier,
            auth_type="api_key",
            header_key="Authorization",
            header_value=self.value_from(f"{relation.provider}_authorization", header),
        )

    def _service(self, relation: Relation, api: str, identifier: str, **auth: Any) -> None:
        found = next(a for a in relation.apis if a.name == api)
        common = {
            "identifier": identifier,
            "label": found.title or api,
            "api_root": relation.url(api),
            "api_type": found.api_type or "orc",
        }
        self.services.append(common | auth)

    def service(self, service: Mapping[str, Any]) -> None:
        """A service of zgw-consumers outside the landscape."""
        self.services.append(dict(service))

    def notifications(self, relation: Relation | None) -> None:
        """Publish to Open Notificaties."""
        if relation is None:
            return
        self.jwt_service(relation, "notificaties", NOTIFICATIONS)
        self.step(
            "notifications_config_enable",
            "notifications_config",
            {"notifications_api_service_identifier": NOTIFICATIONS, **RETRIES},
        )

    def jwt_credentials(self, relations: Iterable[Relation]) -> None:
        """The provider's side of JWT relations: client ids and secrets, old and new ones during a rotation."""
        items = [
            {"identifier": c.client_id, "secret": self.value_from(f"accept_{c.client_id}", text(c.secret))}
            for relation in relations
            for c in relation.accepted
        ]
        if items:
            self.step("vng_api_common_credentials_config_enable", "vng_api_common_credentials", {"items": items})

    def tokens(self, relations: Iterable[Relation], contact: str, **more: Mapping[str, Any]) -> None:
        """The provider's side of token relations; `more` are further fields per consumer."""
        items = [
            {
                "identifier": c.client_id,
                "token": self.value_from(f"accept_{c.client_id}", text(c.secret)),
                "contact_person": "Technisch beheer",
                "email": contact,
                "organization": self.context.environment.tenant.name,
                "application": relation.consumer_title,
                **more.get(relation.consumer, {}),
            }
            for relation in relations
            for c in relation.accepted
        ]
        if items:
            self.step("tokenauth_config_enable", "tokenauth", {"items": items})

    def admin_oidc(self) -> None:
        """Administrators log in with Keycloak.

        The endpoints are written out, so that the step calls nobody.
        """
        relation = self.context.use("keycloak")
        if relation is None:
            return
        credential = credential_of(relation)
        address = f"{relation.url()}/realms/{self.context.environment.stack}/protocol/openid-connect"
        provider = {
            "identifier": "keycloak",
            "oidc_use_nonce": True,
            "oidc_nonce_size": 32,
            "oidc_state_size": 32,
            "endpoint_config": {
                "oidc_op_authorization_endpoint": f"{address}/auth",
                "oidc_op_token_endpoint": f"{address}/token",
                "oidc_op_user_endpoint": f"{address}/userinfo",
                "oidc_op_logout_endpoint": f"{address}/logout",
                "oidc_op_jwks_endpoint": f"{address}/certs",
            },
        }
        item = {
            "identifier": "admin-oidc",
            "enabled": True,
            "oidc_rp_client_id": credential.client_id,
            "oidc_rp_client_secret": self.value_from("oidc_client_secret", text(credential.secret)),
            "oidc_rp_scopes_list": ["openid", "email", "profile"],
            "oidc_rp_sign_algo": "RS256",
            "oidc_provider_identifier": "keycloak",
            "userinfo_claims_source": "id_token",
            "options": {"user_settings": USER, "groups_settings": GROUPS},
        }
        self.step("oidc_db_config_enable", "oidc_db_config_admin_auth", {"providers": [provider], "items": [item]})

    def configuration(self, environment: Mapping[str, str], secrets: Mapping[str, SecretText]) -> Configuration:
        """The component's configuration with this document, services first."""
        # Written even when empty: a document without any step is an error.
        services = {"zgw_consumers_config_enable": True, "zgw_consumers": {"services": self.services}}
        return Configuration(
            environment=environment,
            secrets=secrets,
            files={"configure": {RETIRE_PATH: RETIRE}},
            setup={**services, **self.document},
            setup_path=SETUP_PATH,
            setup_secrets=self.secrets,
        )
