"""What stands under the fields of a model, as its documentation.

pydantic can read it too (`use_attribute_docstrings`), but reads the source of every model at every start, which is a
sixth of the time of a short command; only schemas and explanations need it.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import textwrap
from functools import cache

from pydantic import BaseModel


@cache
def docstrings(model: type[BaseModel]) -> dict[str, str]:
    """The text under each field of `model` and of the models that it extends, by the field's name."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if not issubclass(base, BaseModel) or base is BaseModel:
            continue
        (node,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        assert isinstance(node, ast.ClassDef)  # noqa: S101
        for field, text in itertools.pairwise(node.body):
            match field, text:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(said))):
                    found[name] = inspect.cleandoc(said)
    return found


def description(model: type[BaseModel], name: str) -> str:
    """What is said of the field `name`: by the field itself, else under it; empty when nothing is."""
    return model.model_fields[name].description or docstrings(model).get(name, "")
