"""FSC controller: where people publish services and sign contracts. They log in with Keycloak.

Its page is plain HTTP, so nginx ends TLS in its pod. It reads roles and the name of the person from the access token
(docs.open-fsc.nl, Setup OpenID Connect), so its client in Keycloak puts the groups there as well.
"""

from __future__ import annotations

from ggi.catalogue.component import Component, Configuration, Context, Functional, Layer, Port
from ggi.catalogue.relation import Api, Use
from ggi.catalogue.secrets import SecretText, text

from . import _fsc as fsc
from ._keycloak import ADMINISTRATORS
from ._nginx import front, front_conf
from ._postgresql import libpq, login_role, owner

PAGE = 8080


def _log_in(context: Context) -> tuple[dict[str, str], dict[str, SecretText]]:
    relation = context.must("keycloak")
    credential = relation.accepted[0]
    environment = {
        "AUTHN_TYPE": "oidc",
        "AUTHN_OIDC_CLIENT_ID": credential.client_id,
        "AUTHN_OIDC_DISCOVERY_URL": f"{relation.url()}/realms/{context.environment.stack}",
        "AUTHN_OIDC_REDIRECT_URL": f"https://{context.host}/oidc/callback",
        "AUTHN_OIDC_SESSION_COOKIE_SECURE": "true",
        "AUTHN_OIDC_PKCE_ENABLED": "true",
        "AUTHN_OIDC_INSECURE_SKIP_VERIFY_TLS": "false",
        # The claim comes with every client of the realm; a scope must be named, so one that exists.
        "AUTHN_OIDC_ROLES_SCOPE": "profile",
        "AUTHN_OIDC_ROLES_CLAIM": "groups",
        # Its own name for this role is fsc-admin; ours is the group of those who administer everything else.
        "AUTHN_OIDC_ROLES_FSC_ADMIN": ADMINISTRATORS,
        "AUTHZ_TYPE": "rbac",
        "CSRF_PROTECTION_ENABLED": "true",
    }
    secrets = {
        "AUTHN_OIDC_CLIENT_SECRET": text(credential.secret),
        "AUTHN_OIDC_SECRET_KEY": text(context.secret("session-key")),
        # Exactly 32 characters, its values.yaml says.
        "CSRF_AUTH_KEY": text(context.secret("csrf-key", size=24)),
    }
    return environment, secrets


def configure(context: Context) -> Configuration:
    """Environment, log-in, the database's address (which it wants twice), and the internal certificate."""
    group, database = fsc.rules(context), context.must("postgresql")
    own, login = owner(database, context), database.accepted[0]
    log_in, secrets = _log_in(context)
    environment = {
        **fsc.LOGGING,
        **fsc.INTERNAL_TLS,
        **log_in,
        "GROUP_ID": group.id,
        "DIRECTORY_PEER_ID": group.directory_oin,
        "MANAGER_ADDRESS_INTERNAL": context.must("fscmanager").url("internal", "https"),
        "POSTGRES_HOST": database.host,
        "POSTGRES_PORT": str(database.port),
        "POSTGRES_DATABASE": own,
        "POSTGRES_USER": login_role(own, login.secret.counter),
        **libpq(context),
        # Programs in Go trust this file, and besides it the folder /etc/ssl/certs (crypto/x509, root_unix.go).
        "SSL_CERT_FILE": f"{fsc.INTERNAL}/ca.crt",
        "AUDITLOG_TYPE": "stdout",
        "LISTEN_ADDRESS_UI": f"127.0.0.1:{PAGE}",
        "LISTEN_ADDRESS_REGISTRATION_API": "0.0.0.0:9443",
        "LISTEN_ADDRESS_ADMINISTRATION_API": "0.0.0.0:9444",
        "MONITORING_ADDRESS": f"0.0.0.0:{fsc.MONITORING}",
    }
    secrets |= {"STORAGE_POSTGRES_DSN": fsc.dsn(context), "POSTGRES_PASSWORD": text(login.secret)}
    return Configuration(
        environment=environment, secrets=secrets, files=front_conf(PAGE), objects=(fsc.certificate(context),)
    )


component = Component(
    name="fsccontroller",
    title="FSC Controller",
    layer=Layer.INTEGRATIE,
    summary="Management of services and contracts in FSC",
    processes=(
        fsc.server(
            "fsccontroller",
            "controller",
            Port("registration", 9443),
            Port("admin", 9444),
            group=False,
            stored=True,
            beside=(front("fsccontroller"),),
        ),
    ),
    offers=(Api("registration", "server", "registration", auth=fsc.MTLS, title="FSC Controller, registration"),),
    uses=(
        fsc.database(),
        fsc.own_program("fscmanager", "internal"),
        Use(
            "keycloak",
            ("oidc",),
            ("server",),
            starts_after=True,
            parameters={"redirects": ("/oidc/callback",), "access_token": True},
        ),
    ),
    runs=(fsc.migrate("controller"),),
    configure=configure,
    route="server:https",
    functional=(Functional("Services that are published, and who may use them", "FSC controller"),),
    supplier=fsc.SUPPLIER,
    licence=fsc.LICENCE,
    source=fsc.SOURCE,
    exit="SQL of its database",
)
