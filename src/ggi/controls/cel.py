"""CEL as Kubernetes has it: one rule for a rendered object, the state, the live object, and the cluster's admission.

The variables are those of a ValidatingAdmissionPolicy: `object`, `oldObject`, `params`, `namespaceObject` and
`variables`. Not to be used, since Kubernetes 1.31 has neither: comprehensions with two variables, and cel.bind.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from cel_expr_python import cel  # type: ignore[import-untyped]
from cel_expr_python.ext import ext_optional, ext_strings  # type: ignore[import-untyped]

from ggi.controls.cel_functions import MATCHES, declarations
from ggi.errors import Origin, Problem
from ggi.messages import t

COMMON: Mapping[str, str] = {
    "pod": (
        "object.kind == 'Pod' ? dyn(object).spec : "
        "object.kind == 'CronJob' ? dyn(object).spec.jobTemplate.spec.template.spec : dyn(object).spec.template.spec"
    ),
    "containers": "variables.pod.containers + variables.pod.?initContainers.orValue([])",
}
"""Variables that every control may use; the admission policy declares those that its control uses."""

OWNED = "object.metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false))"
"""Another object makes and keeps this one: it is judged there."""

_VARIABLE = re.compile(r"\bvariables\.([a-zA-Z_]\w*)")
_FORBIDDEN = re.compile(r"\bcel\.bind\b|\.(?:all|exists|existsOne|transformList|transformMap)\(\s*\w+\s*,\s*\w+\s*,")
_TOKEN = re.compile(
    r"""(?s)//[^\n]*
    | (?i:rb?|br)(?:'''.*?'''|\"\"\".*?\"\"\"|'[^']*'|"[^"]*")
    | '''(?:\\.|.)*?'''|\"\"\"(?:\\.|.)*?\"\"\"|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"
    | \w+|\.matches\(""",
    re.VERBOSE,
)
"""A comment, literal, word or call of `matches`, as CEL divides its text: what looks like a call in a literal is none.

Source: github.com/google/cel-spec, doc/langdef.md, Syntax.
"""


@cache
def environment() -> cel.Env:
    """The one environment in which all rules are compiled."""
    names = ("object", "oldObject", "params", "namespaceObject", "variables", "request")
    return cel.NewEnv(
        variables=dict.fromkeys(names, cel.Type.DYN),
        functions=declarations(),
        extensions=[ext_strings.ExtStrings(), ext_optional.ExtOptional()],
    )


def activation(body: Mapping[str, Any], namespace: Mapping[str, Any] | None = None) -> cel.Activation:
    """What a rule sees of one object; make it once and judge all rules with it."""
    return environment().Activation(
        {
            "object": body,
            "oldObject": None,
            "params": None,
            "namespaceObject": namespace,
            "variables": {},
            "request": {"operation": "CREATE"},
        }
    )


@dataclass(frozen=True, slots=True)
class ExpressionSource:
    """An expression as written, and where its first line is."""

    text: str
    origin: Origin


class CelError(ValueError):
    """A rule that could not be evaluated on an object; the message names no value."""


def _position(message: str, source: ExpressionSource) -> Origin:
    match = re.search(r"<input>:(\d+):", message)
    line = source.origin.line + int(match.group(1)) - 1 if match else source.origin.line
    return Origin(source.origin.file, line, source.origin.layer)


def check(source: ExpressionSource, wanted: str, problems: list[Problem]) -> bool:
    """Whether `source` compiles by itself and returns `wanted` ("BOOL", "STRING" or ""); else a problem is added."""
    if _FORBIDDEN.search(source.text):
        problems.append(
            Problem(
                t("this CEL uses what Kubernetes does not have in every supported version"),
                t("Write it without cel.bind and without comprehensions over two variables."),
                source.origin,
            )
        )
        return False
    try:
        found = environment().compile(source.text).return_type().name()
    except RuntimeError as error:
        first = str(error).removeprefix("INVALID_ARGUMENT: ").removeprefix("ERROR: ").splitlines()[0]
        reason = re.sub(r"^<input>:\d+:\d+:\s*", "", first).replace(" (in container '')", "")
        message = t("this CEL does not compile: {why}", why=reason)
        problems.append(Problem(message, t("Correct the expression."), _position(str(error), source)))
        return False
    if wanted and found.upper() not in (wanted, "DYN"):
        message = t("this CEL gives {found}, not {wanted}", found=found.lower(), wanted=wanted.lower())
        problems.append(Problem(message, t("Correct the expression."), source.origin))
        return False
    return True


def used(text: str, variables: Mapping[str, str]) -> list[str]:
    """Names of the variables that `text` needs, directly or not, in the order in which they must be declared."""
    found: dict[str, None] = {}

    def visit(expression: str) -> None:
        for name in _VARIABLE.findall(expression):
            if name in variables and name not in found:
                visit(variables[name])
                found[name] = None

    visit(text)
    return list(found)


def unknown_variables(text: str, variables: Mapping[str, str]) -> list[str]:
    """Names after `variables.` that nobody declares."""
    return [name for name in dict.fromkeys(_VARIABLE.findall(text)) if name not in variables]


def inlined(text: str, variables: Mapping[str, str]) -> str:
    """`text` with every variable replaced by its expression: the same meaning, and nothing is copied out of CEL."""
    result = text
    for _ in range(len(variables) + 1):
        if not _VARIABLE.search(result):
            break
        result = _VARIABLE.sub(lambda match: f"({variables[match.group(1)]})", result)
    return result


def faster(text: str) -> str:
    """`text` with our own `matches`, which gives what that of the library gives, and remembers it."""
    return _TOKEN.sub(lambda found: f".{MATCHES}(" if found[0] == ".matches(" else found[0], text)


@cache
def compiled(text: str) -> cel.Expression:
    """A compiled expression without variables of its own; kept, since several controls share conditions."""
    return environment().compile(faster(text))


def evaluate(expression: cel.Expression, view: cel.Activation) -> Any:
    """The value of a compiled expression. Raises CelError."""
    value = expression.eval(view)
    if value.type() == cel.Type.ERROR:
        # "Key not found" names a field; other messages may hold a value, so they are not passed on.
        text = str(value.plain_value())
        match = re.search(r'Key not found in map : "([\w./-]+)"', text)
        raise CelError(t("the field {field} is missing", field=match.group(1)) if match else t("the rule has an error"))
    return value.plain_value()
