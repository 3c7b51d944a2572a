"""Stand-ins for the set-up steps that exist only inside the applications' images.

Written from the source of Open Zaak 1.30.0, Open Notificaties 1.16.1, Open Klant 2.17.1, Open Object 4.0.0 and Open
Formulieren 3.5.6: names of fields, what is mandatory, what is checked. Unknown keys are errors, as with the real ones.
"""

from typing import Literal

from django.core.exceptions import ValidationError
from django_setup_configuration.configuration import BaseConfigurationStep
from django_setup_configuration.exceptions import ConfigurationRunFailed
from django_setup_configuration.models import ConfigurationModel
from pydantic import UUID4, Field, PositiveInt
from vng_api_common.authorizations.models import AuthorizationsConfig
from vng_api_common.constants import ComponentTypes
from zgw_consumers.models import Service

from .models import Abonnement, Filter, Kanaal, ObjectType, Permission, TokenAuth


def service(identifier: str, api_type: str = "") -> Service:
    """The service that an earlier step made; of this type, as the applications' models demand."""
    found = Service.objects.filter(slug=identifier).first()
    if found is None:
        raise ConfigurationRunFailed(f"no service {identifier}")
    if api_type and found.api_type != api_type:
        raise ConfigurationRunFailed(f"service {identifier} is of type {found.api_type}, not {api_type}")
    return found


class SelectielijstModel(ConfigurationModel):
    selectielijst_api_service_identifier: str
    allowed_years: list[PositiveInt] = []
    default_year: PositiveInt = 2020


class Selectielijst(BaseConfigurationStep[SelectielijstModel]):
    """Open Zaak."""

    verbose_name = "stand-in"
    config_model = SelectielijstModel
    namespace = "openzaak_selectielijst_config"
    enable_setting = "openzaak_selectielijst_config_enable"

    def execute(self, model: SelectielijstModel) -> None:
        service(model.selectielijst_api_service_identifier, "orc")


class AutorisatiesModel(ConfigurationModel):
    authorizations_api_service_identifier: str


class AutorisatiesApi(BaseConfigurationStep[AutorisatiesModel]):
    """Open Notificaties."""

    verbose_name = "stand-in"
    config_model = AutorisatiesModel
    namespace = "autorisaties_api"
    enable_setting = "autorisaties_api_config_enable"

    def execute(self, model: AutorisatiesModel) -> None:
        config = AuthorizationsConfig.get_solo()
        config.component = ComponentTypes.nrc
        config.authorizations_api_service = service(model.authorizations_api_service_identifier, "ac")
        config.save()


class KanaalItem(ConfigurationModel):
    naam: str = Field(max_length=50)
    documentatie_link: str = ""
    filters: list[str] = []


class KanalenModel(ConfigurationModel):
    items: list[KanaalItem]


class Kanalen(BaseConfigurationStep[KanalenModel]):
    """Open Notificaties."""

    verbose_name = "stand-in"
    config_model = KanalenModel
    namespace = "notifications_kanalen_config"
    enable_setting = "notifications_kanalen_config_enable"

    def execute(self, model: KanalenModel) -> None:
        if not model.items:
            raise ConfigurationRunFailed("at least one")
        for item in model.items:
            Kanaal.objects.update_or_create(naam=item.naam, defaults=item.model_dump(exclude={"naam"}))


class AbonnementKanaal(ConfigurationModel):
    naam: str
    filters: dict[str, str] = {}


class AbonnementItem(ConfigurationModel):
    uuid: UUID4
    callback_url: str
    auth_type: Literal["no_auth", "api_key", "zgw", "oauth2_client_credentials"] = "api_key"
    auth: str = ""
    auth_client_id: str = ""
    secret: str = ""
    oauth2_token_url: str = ""
    oauth2_scope: str = ""
    send_cloudevents: bool = False
    kanalen: list[AbonnementKanaal] = []


class AbonnementenModel(ConfigurationModel):
    items: list[AbonnementItem]


class Abonnementen(BaseConfigurationStep[AbonnementenModel]):
    """Open Notificaties."""

    verbose_name = "stand-in"
    config_model = AbonnementenModel
    namespace = "notifications_abonnementen_config"
    enable_setting = "notifications_abonnementen_config_enable"

    def execute(self, model: AbonnementenModel) -> None:
        if not model.items:
            raise ConfigurationRunFailed("at least one")
        for item in model.items:
            made, _ = Abonnement.objects.update_or_create(
                uuid=item.uuid,
                defaults={
                    "callback_url": item.callback_url,
                    "auth": item.auth,
                    "auth_type": item.auth_type,
                    "client_id": item.auth_client_id,
                    "secret": item.secret,
                },
            )
            names = [k.naam for k in item.kanalen]
            found = {kanaal.naam: kanaal for kanaal in Kanaal.objects.filter(naam__in=names)}
            if not names or len(found) != len(names):
                raise ConfigurationRunFailed(f"channels {names}")
            made.filter_set.all().delete()
            Filter.objects.bulk_create(
                Filter(abonnement=made, kanaal=found[k.naam], filters=k.filters) for k in item.kanalen
            )


class TokenItem(ConfigurationModel):
    identifier: str
    token: str
    contact_person: str
    email: str
    organization: str = ""
    application: str = ""
    administration: str = ""


class TokensModel(ConfigurationModel):
    items: list[TokenItem]


def save_token(item: TokenItem, **more: bool) -> TokenAuth:
    """Check as the applications do, then write."""
    values = item.model_dump(exclude={"permissions"}) | more
    try:
        TokenAuth(**values).full_clean(exclude=("id",), validate_unique=False)
    except ValidationError as error:
        raise ConfigurationRunFailed(f"{item.identifier}: {error.message_dict}") from error
    identifier = values.pop("identifier")
    return TokenAuth.objects.update_or_create(identifier=identifier, defaults=values)[0]


class TokenAuthOpenKlant(BaseConfigurationStep[TokensModel]):
    """Open Klant."""

    verbose_name = "stand-in"
    config_model = TokensModel
    namespace = "tokenauth"
    enable_setting = "tokenauth_config_enable"

    def execute(self, model: TokensModel) -> None:
        for item in model.items:
            save_token(item)


class ReferentielijstenModel(ConfigurationModel):
    enabled: bool = False
    referentielijsten_api_service_identifier: str = ""
    kanalen_tabel_code: str | None = None


class Referentielijsten(BaseConfigurationStep[ReferentielijstenModel]):
    """Open Klant."""

    verbose_name = "stand-in"
    config_model = ReferentielijstenModel
    namespace = "referentielijsten_config"
    enable_setting = "referentielijsten_config_enable"

    def execute(self, model: ReferentielijstenModel) -> None:
        if model.referentielijsten_api_service_identifier:
            service(model.referentielijsten_api_service_identifier)


class ObjecttypeItem(ConfigurationModel):
    uuid: UUID4
    name: str = Field(max_length=100)


class ObjecttypesModel(ConfigurationModel):
    items: list[ObjecttypeItem]


class Objecttypes(BaseConfigurationStep[ObjecttypesModel]):
    """Open Object."""

    verbose_name = "stand-in"
    config_model = ObjecttypesModel
    namespace = "objecttypes"
    enable_setting = "objecttypes_config_enable"

    def execute(self, model: ObjecttypesModel) -> None:
        for item in model.items:
            ObjectType.objects.update_or_create(uuid=item.uuid, defaults={"name": item.name})


class PermissionItem(ConfigurationModel):
    object_type: UUID4
    mode: Literal["read_only", "read_and_write"]


class ObjectTokenItem(TokenItem):
    is_superuser: bool = False
    permissions: list[PermissionItem] | None = []


class ObjectTokensModel(ConfigurationModel):
    items: list[ObjectTokenItem]


class TokenAuthOpenObject(BaseConfigurationStep[ObjectTokensModel]):
    """Open Object."""

    verbose_name = "stand-in"
    config_model = ObjectTokensModel
    namespace = "tokenauth"
    enable_setting = "tokenauth_config_enable"

    def execute(self, model: ObjectTokensModel) -> None:
        for item in model.items:
            token = save_token(item)
            for permission in item.permissions or ():
                found = ObjectType.objects.filter(uuid=permission.object_type).first()
                if found is None:
                    raise ConfigurationRunFailed(f"no object type {permission.object_type}")
                Permission.objects.update_or_create(
                    token_auth=token, object_type=found, defaults={"mode": permission.mode}
                )


class Group(ConfigurationModel):
    name: str = Field(max_length=255)
    identifier: str = Field(pattern=r"^[-a-zA-Z0-9_]{1,50}$")
    catalogue_domain: str = Field("", max_length=5)
    catalogue_rsin: str = Field("", max_length=9)
    organisatie_rsin: str = Field("", max_length=9)


class ObjectsGroup(Group):
    objects_service_identifier: str
    objecttypes_service_identifier: str
    documenten_service_identifier: str = ""
    catalogi_service_identifier: str = ""
    document_type_submission_report: str = ""
    document_type_submission_csv: str = ""
    document_type_attachment: str = ""


class ObjectsModel(ConfigurationModel):
    groups: list[ObjectsGroup]


class ObjectsApi(BaseConfigurationStep[ObjectsModel]):
    """Open Formulieren."""

    verbose_name = "stand-in"
    config_model = ObjectsModel
    namespace = "objects_api"
    enable_setting = "objects_api_config_enable"

    def execute(self, model: ObjectsModel) -> None:
        for group in model.groups:
            service(group.objects_service_identifier, "orc")
            service(group.objecttypes_service_identifier, "orc")
            for identifier, kind in (
                (group.documenten_service_identifier, "drc"),
                (group.catalogi_service_identifier, "ztc"),
            ):
                if identifier:
                    service(identifier, kind)


class ZgwGroup(Group):
    zaken_service_identifier: str
    documenten_service_identifier: str
    catalogi_service_identifier: str
    objects_api_json_content_template: str = ""
    auteur: str = Field("Aanvrager", max_length=200)
    zaak_vertrouwelijkheidaanduiding: str = Field("", max_length=24)
    doc_vertrouwelijkheidaanduiding: str = Field("", max_length=24)


class ZgwModel(ConfigurationModel):
    groups: list[ZgwGroup]


class ZgwApi(BaseConfigurationStep[ZgwModel]):
    """Open Formulieren."""

    verbose_name = "stand-in"
    config_model = ZgwModel
    namespace = "zgw_api"
    enable_setting = "zgw_api_config_enable"

    def execute(self, model: ZgwModel) -> None:
        for group in model.groups:
            service(group.zaken_service_identifier, "zrc")
            service(group.documenten_service_identifier, "drc")
            service(group.catalogi_service_identifier, "ztc")
