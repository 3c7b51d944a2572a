"""A first file for a new tenant: valid, short, and with the reasons beside the lines."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ggi.errors import InputError, Problem
from ggi.inventory.registry import Registry, folded, slug
from ggi.inventory.types import FICTIONAL
from ggi.inventory.validate import nearest
from ggi.messages import t


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who the file is for. `code` is empty for a samenwerkingsverband, whose `id` begins with `sv-`."""

    id: str
    code: str
    name: str
    inhabitants: int
    listed: bool
    """The registry has name, province and inhabitants, so that the file need not repeat them."""
    label: str = ""
    """Begins its domain, when the registry has one for it."""


def newcomer(word: str, registry: Registry, on: dt.date, name: str | None, inhabitants: int | None) -> Newcomer:
    """Who `word` means: a code, the name of a gemeente, or `sv-<name>`. Raises InputError."""
    text = word.strip()
    if re.fullmatch(r"sv-[a-z][a-z0-9]*(-[a-z0-9]+)*", text):
        return Newcomer(text, "", *_told(text, name, inhabitants), listed=False)
    code = text.upper()
    if re.fullmatch(r"[0-9]{4}", code):
        code = f"GM{code}"
    if not re.fullmatch(r"GM[0-9]{4}", code):
        code = _by_name(text, registry)
    if code.startswith(FICTIONAL):
        return Newcomer(code.lower(), code, *_told(code, name, inhabitants), listed=False)
    if reason := registry.check(code, on):
        ended = registry.successions.get(code)
        fix = t("ggi new {code}", code=ended.into) if ended else nearest(code, registry.gemeenten)
        raise InputError(Problem(reason, fix))
    found = registry.gemeenten[code]
    return Newcomer(code.lower(), code, name or found.name, inhabitants or found.inhabitants, True, found.label)


def _told(who: str, name: str | None, inhabitants: int | None) -> tuple[str, int]:
    if not name or not inhabitants:
        raise InputError(
            Problem(
                t("{who} is not in the registry of gemeenten, so its name and size must be given", who=who),
                t('Add --name "..." --inhabitants N.'),
            )
        )
    return name, inhabitants


def _by_name(text: str, registry: Registry) -> str:
    codes = registry.named(text)
    if len(codes) == 1:
        return codes[0]
    if codes:
        names = ", ".join(f"{registry.gemeenten[code].name} ({code})" for code in codes)
        raise InputError(
            Problem(t("{name} is the name of several: {names}", name=text, names=names), t("Use the code."))
        )
    for ended in registry.successions.values():
        if folded(ended.name) == folded(text):
            return ended.code
    names_known = [name for g in registry.gemeenten.values() for name in (g.name, *g.aliases)]
    raise InputError(Problem(t("there is no gemeente {name}", name=text), nearest(text, names_known)))


def draft(who: Newcomer, region: str, release: str, taken: set[str]) -> str:
    """The text of the file. `taken` are the domains that are in use already."""
    label = who.label or slug(who.name)
    if any(domain.endswith(f"{label}.test") for domain in taken):
        label = f"{label}-{who.id}"
    quoted = json.dumps(who.name, ensure_ascii=False)
    lines = ["# yaml-language-server: $schema=../schema/tenant.schema.json"]
    if who.listed:
        source = t("{name}. Name, province and inhabitants come from the registry.", name=who.name)
        lines += [f"# {source}", f"gemeente: {who.code}"]
    elif who.code:
        lines += [f"# {t('A fictional gemeente.')}", f"gemeente: {who.code}", f"name: {quoted}"]
    else:
        lines += [
            f"# {t('A samenwerkingsverband: it has no CBS code, and serves gemeenten.')}",
            f"samenwerkingsverband: {who.id.removeprefix('sv-')}",
            f"name: {quoted}",
            f"# serves: [GM9901]  # {t('the gemeenten that it works for')}",
        ]
    if not who.listed:
        lines.append(f"inhabitants: {who.inhabitants}  # {t('sizes the landscape')}")
    lines += [
        f'# oin: "00000001..."  # {t("20 positions, quoted; needed for FSC")}',
        f"region: {region}",
        f"ring: 1  # {t('the wave in which it is updated; 0 goes first')}",
        f"state: onboarding  # {t('`active` from go-live on')}",
        "environments:",
        "  # " + t("No real domain is guessed: .test is nobody's (RFC 6761). Write a domain of your own here."),
        f'  accp: {{release: "{release}", domain: accp.{label}.test}}',
        "  prod:",
        f'    release: "{release}"  # {t("versions come from the release; `ggi release list` shows them")}',
        f"    domain: {label}.test",
        f"    # live: 2027-01-01  # {t('go-live; `ggi inputs` then says by when others must supply what')}",
        f'    # window: "di 20:00-23:00"  # {t("when it may be updated")}',
        "# components:  # " + t("what differs from the region and from national; `ggi explain` shows what holds now"),
        "#   openzaak: {replicas: 3}",
    ]
    return "\n".join(lines) + "\n"


def write_new(path: Path, text: str) -> None:
    """Write a file that does not exist yet: whole or not at all. Raises InputError when somebody was faster."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".new")
    half = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        half.chmod(0o644)
        # A link, since a rename would replace a file that came into being meanwhile.
        os.link(half, path)
    except FileExistsError:
        raise InputError(Problem(t("{path} exists already", path=path), t("Edit it."))) from None
    finally:
        half.unlink(missing_ok=True)
