"""How Open Formulieren registers forms as cases and objects: decisions of functional management, and their set-up."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from ggi.inventory.models import Model
from ggi.messages import t

from ._setup import Setup

ZAKEN, DOCUMENTEN, CATALOGI, OBJECTEN = "zaken-api", "documenten-api", "catalogi-api", "objecten-api"
"""Identifiers of the services."""
WEIGHTS = (9, 8, 7, 6, 5, 4, 3, 2, -1)


def _rsin(value: str) -> str:
    if len(value) != 9 or not value.isdigit() or sum(w * int(d) for w, d in zip(WEIGHTS, value, strict=True)) % 11:
        raise ValueError(t("{value!r} is not an RSIN: nine digits that pass the eleven test", value=value))
    return value


Rsin = Annotated[str, AfterValidator(_rsin), Field(pattern=r"^\d{9}$")]
"""Rechtspersonen en Samenwerkingsverbanden Informatienummer; the eleven test is that of the BSN."""
Confidentiality = Literal[
    "openbaar",
    "beperkt_openbaar",
    "intern",
    "zaakvertrouwelijk",
    "vertrouwelijk",
    "confidentieel",
    "geheim",
    "zeer_geheim",
]


class Registration(Model):
    """How forms become cases and objects: decisions of functional management, which nobody else can make up."""

    organisation_rsin: Rsin
    """Who is responsible for the cases."""
    catalogue_domain: Annotated[str, Field(pattern=r"^[A-Z]{1,5}$")]
    """Catalogue of the case types: its domain."""
    catalogue_rsin: Rsin
    """Catalogue of the case types: its owner."""
    case_confidentiality: Confidentiality | None = None
    document_confidentiality: Confidentiality | None = None
    submission_report: str = ""
    """Name (omschrijving) of the informatieobjecttype of the PDF of a submission."""
    submission_csv: str = ""
    attachment: str = ""


def groups(setup: Setup, registration: Registration, has_cases: bool, has_objects: bool) -> None:
    """The groups that form designers choose from."""
    catalogue = {
        "catalogue_domain": registration.catalogue_domain,
        "catalogue_rsin": registration.catalogue_rsin,
        "organisatie_rsin": registration.organisation_rsin,
    }
    if has_cases:
        group: dict[str, Any] = {
            "name": "Open Zaak",
            "identifier": "openzaak",
            "zaken_service_identifier": ZAKEN,
            "documenten_service_identifier": DOCUMENTEN,
            "catalogi_service_identifier": CATALOGI,
            **catalogue,
        }
        for key, value in (
            ("zaak_vertrouwelijkheidaanduiding", registration.case_confidentiality),
            ("doc_vertrouwelijkheidaanduiding", registration.document_confidentiality),
        ):
            if value:
                group[key] = value
        setup.step("zgw_api_config_enable", "zgw_api", {"groups": [group]})
    if has_objects:
        # One address offers objects and types, and a service's address is unique: both refer to one service.
        group = {
            "name": "Open Object",
            "identifier": "openobject",
            "objects_service_identifier": OBJECTEN,
            "objecttypes_service_identifier": OBJECTEN,
            "document_type_submission_report": registration.submission_report,
            "document_type_submission_csv": registration.submission_csv,
            "document_type_attachment": registration.attachment,
            **catalogue,
        }
        if has_cases:
            group |= {"documenten_service_identifier": DOCUMENTEN, "catalogi_service_identifier": CATALOGI}
        setup.step("objects_api_config_enable", "objects_api", {"groups": [group]})
