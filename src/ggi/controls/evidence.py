"""Evidence: what a control saw, as codes with values, and the words of the codes in the reader's language.

The canonical text is `replicas=1; no-owners`: details in order, each a code with at most one value. A waiver accepts
exactly this text, and the cluster's admission compares it, so it is the same in every language. In a value `%`, `;` and
a line's end are written `%25`, `%3B` and `%0A`. `Detail` does that; CEL writes `.replace('%', '%25').replace(';',
'%3B')` after a value of which others choose the text.

The words are content: of a control in its own control.yaml (`seen`), of several controls in policies/evidence.yaml.
They may use `{value}`, or `{first}` and `{rest}`: what stands before and after the first space of the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import BeforeValidator

from ggi.inventory.models import Model
from ggi.inventory.types import Line
from ggi.messages import language

BETWEEN = "; "
"""Between the details of the canonical text."""
CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_QUOTES = {"%": "%25", ";": "%3B", "\n": "%0A"}
_QUOTE = re.compile("[%;\n]")
_UNQUOTE = re.compile("%25|%3B|%0A")
_GAP = re.compile(r"\{(value|first|rest)\}")
_GAPS = {"value": r"(?P<value>.+)", "first": r"(?P<first>\S+)", "rest": r"(?P<rest>.+)"}
_COMMA = re.compile(r"([,;] )")
_LITERAL = re.compile(r"'(?:; )?([a-z][a-z0-9-]*)='")


@dataclass(frozen=True, slots=True)
class Detail:
    """One thing that was seen: a code, and a value where it has one (anything; it is kept as text)."""

    code: str
    value: Any = None

    def __post_init__(self) -> None:
        if self.value is not None:
            object.__setattr__(self, "value", str(self.value))

    def __str__(self) -> str:
        if self.value is None:
            return self.code
        return f"{self.code}={_QUOTE.sub(lambda found: _QUOTES[found[0]], self.value)}"

    def __lt__(self, other: Detail) -> bool:
        return str(self) < str(other)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Details in order; none when there is nothing to tell."""

    details: tuple[Detail, ...] = ()

    @classmethod
    def of(cls, seen: Detail | Iterable[Detail]) -> Self:
        """One detail, or several."""
        return cls((seen,) if isinstance(seen, Detail) else tuple(seen))

    @classmethod
    def parse(cls, text: str) -> Self:
        """The details of a canonical text. Raises ValueError when it is none."""
        return cls(tuple(_detail(part) for part in text.split(BETWEEN)) if text else ())

    def __str__(self) -> str:
        return BETWEEN.join(map(str, self.details))


def _detail(text: str) -> Detail:
    code, equals, value = text.partition("=")
    unquoted = {quoted: plain for plain, quoted in _QUOTES.items()}
    found = Detail(code, _UNQUOTE.sub(lambda match: unquoted[match[0]], value) if equals else None)
    if not CODE.fullmatch(code) or str(found) != text:
        raise ValueError(text)
    return found


class Words(Model):
    """The words of a code; one text where both languages say the same."""

    nl: Line
    en: Line


def _both(value: Any) -> Any:
    return {"nl": value, "en": value} if isinstance(value, str) else value


Seen = dict[str, Annotated[Words, BeforeValidator(_both, json_schema_input_type=Words | str)]]
"""Words by code, or by `code=value` where one value has words of its own."""


class EvidenceFile(Model):
    """policies/evidence.yaml: words that several controls share."""

    codes: Seen = {}
    values: Seen = {}
    """Words that stand for a whole value, such as `none`."""


@dataclass(frozen=True)
class Vocabulary:
    """The words that one control's evidence is shown in: its own before those that all share."""

    codes: Mapping[str, Words] = field(default_factory=dict)
    values: Mapping[str, Words] = field(default_factory=dict)

    @cached_property
    def named(self) -> frozenset[str]:
        """The codes that have words."""
        return frozenset(code.partition("=")[0] for code in self.codes)

    def words(self, detail: Detail) -> Words | None:
        """The words of a detail; None when it has none, or has a value too much or too little."""
        if found := self.codes.get(str(detail)):
            return found
        found = self.codes.get(detail.code)
        return found if found and bool(_GAP.search(found.en)) == (detail.value is not None) else None

    def knows(self, text: str) -> bool:
        """Whether this is canonical evidence of which every detail has words."""
        try:
            return all(self.words(detail) is not None for detail in Evidence.parse(text).details)
        except ValueError:
            return False

    def in_words(self, text: str, spoken: str = "") -> str:
        """Evidence in a language, or that of the reader. What has no words stays as it is."""
        return ", ".join(self._shown(part, spoken or language()) for part in text.split(BETWEEN))

    def _shown(self, part: str, spoken: str) -> str:
        try:
            detail = _detail(part)
        except ValueError:
            return part
        words = self.words(detail)
        return part if words is None else self._filled(getattr(words, spoken), detail.value or "", spoken)

    def _filled(self, template: str, value: str, spoken: str) -> str:
        first, _, rest = value.partition(" ")
        said = {"value": value, "first": first, "rest": rest}

        def gap(found: re.Match[str]) -> str:
            text = said[found[1]]
            return str(getattr(self.values[text], spoken)) if text in self.values else text

        return _GAP.sub(gap, template)

    @cached_property
    def _templates(self) -> list[tuple[str, re.Pattern[str], int]]:
        """(code or `code=value`, pattern of its English words, how many characters of it are given)."""
        return [
            (code, re.compile(_GAP.sub(lambda m: _GAPS[m[1]], _escaped(words.en)), re.DOTALL), len(_plain(words.en)))
            for code, words in self.codes.items()
        ]

    def wrote(self, sentence: str, evidence: str) -> bool:
        """Whether older versions, which wrote English sentences and no codes, wrote `sentence` for this evidence."""
        return sorted(_COMMA.split(sentence)[::2]) == sorted(_COMMA.split(self.in_words(evidence, "en"))[::2])

    def from_sentence(self, sentence: str, between: str) -> Evidence | None:
        """The evidence that older versions wrote as this English sentence; None when it can't be told.

        `between` stood between its parts. Of several readings, the one counts that explains most characters by words
        and not by values, and of these the one with most details.
        """
        pieces = re.split(f"({re.escape(between)})", sentence)
        best: dict[int, tuple[int, int, tuple[Detail, ...]]] = {len(pieces) + 1: (0, 0, ())}
        for start in range(len(pieces) - 1, -1, -2):
            readings = [
                (given + best[end][0], 1 + best[end][1], (detail, *best[end][2]))
                for end in range(start + 2, len(pieces) + 2, 2)
                if end in best
                for detail, given in self._readings("".join(pieces[start : end - 1]))
            ]
            if readings:
                best[start] = max(readings, key=lambda reading: reading[:2])
        return Evidence(best[0][2]) if 0 in best else None

    def _readings(self, text: str) -> Iterator[tuple[Detail, int]]:
        for code, pattern, given in self._templates:
            if match := pattern.fullmatch(text):
                name, equals, value = code.partition("=")
                said = match.groupdict()
                if "first" in said:
                    value, equals = f"{said['first']} {said['rest']}", "="
                elif "value" in said:
                    value, equals = said["value"], "="
                yield Detail(name, value if equals else None), given


def _escaped(template: str) -> str:
    return re.sub(r"\\\{(\w+)\\\}", r"{\1}", re.escape(template))


def _plain(template: str) -> str:
    return _GAP.sub("", template)


def codes_in(expressions: Iterable[str]) -> Iterator[str]:
    """The codes that can be read in the text of CEL: a literal that ends in `=`."""
    for text in expressions:
        yield from _LITERAL.findall(text)
