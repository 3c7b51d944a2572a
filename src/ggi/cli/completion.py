"""Completion in the shell: what may stand where, and scripts for bash and zsh that work for `ggi` and `./ggi` alike.

A TAB must be quick, print nothing else, and never fail: names come from files' names and an unchecked look into them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import typer
from typer import _completion_shared
from typer._click.shell_completion import add_completion_class
from typer._completion_classes import ZshComplete

from ggi.paths import ROOT

BASH = """
%(complete_func)s() {
    local IFS=$'\\n'
    COMPREPLY=( $( env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD \\
                   %(autocomplete_var)s=complete_bash "${1/#\\~/$HOME}" 2>/dev/null ) )
}

complete -o default -F %(complete_func)s %(prog_name)s
"""
ZSH = """
#compdef %(prog_name)s

%(complete_func)s() {
    local line tab=$'\\t' program=${~${(Q)words[1]}}
    local -a found
    for line in "${(@f)$(env _TYPER_COMPLETE_ARGS="${words[1,$CURRENT]}" \\
                         %(autocomplete_var)s=complete_zsh "$program" 2>/dev/null)}"; do
        [[ -n $line ]] && found+=("${${line%%%%$tab*}//:/\\\\:}:${line#*$tab}")
    done
    if (( $#found )); then _describe %(prog_name)s found; else _files; fi
}

compdef %(complete_func)s %(prog_name)s
# Found on the fpath, it was loaded because of a TAB, which must be answered.
[[ $zsh_eval_context[-1] != loadautofunc ]] || %(complete_func)s "$@"
"""


class _Zsh(ZshComplete):
    """Gives what may stand there and its help, a tab between them, one a line."""

    def complete(self) -> str:
        found = self.get_completions(*self.get_completion_args())
        return "\n".join(f"{item.value}\t{' '.join((item.help or '').split())}" for item in found)


def use_own_scripts() -> None:
    """Take the place of Typer's scripts, after it has made its commands.

    Its script for zsh asks for the program by its bare name, so that `./ggi` that is not on PATH completes nothing,
    does nothing at the first TAB, and loses apostrophes; both scripts show on the prompt what a failing program prints.
    """
    _completion_shared._completion_scripts |= {"bash": BASH, "zsh": ZSH}
    add_completion_class(_Zsh, "zsh")


def _never_failing(find: Callable[[typer.Context], Iterable[str]]) -> Callable[..., list[str]]:
    """The completion by what `find` gives; nothing when it fails, whatever the reason."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        try:
            return [name for name in find(ctx) if name.lower().startswith(incomplete.lower())]
        except Exception:
            return []

    return complete


def _others(context: Any) -> Iterator[str]:
    """The other commands of a group whose main command is being written, before its first argument."""
    group = getattr(context.command, "others", None)
    arguments = [p for p in context.command.params if p.param_type_name == "argument"]
    if group is not None and not any(context.params.get(p.name) for p in arguments):
        yield from (name for name, command in group.commands.items() if not command.hidden)


def _globals(context: Any) -> dict[str, Any]:
    return dict(context.find_root().params)


def _inventory(context: Any) -> Path:
    named = _globals(context).get("inventory") or os.environ.get("GGI_INVENTORY")
    return Path(named).expanduser().resolve() if named else ROOT / "inventories"


def _roots(context: Any) -> list[Path]:
    return [ROOT, *(Path(path) for path in _globals(context).get("content") or ())]


def _stacks(*kinds: str) -> Callable[[Any], Iterator[str]]:
    def find(context: Any) -> Iterator[str]:
        from ggi.inventory.outline import outline

        yield from _others(context)
        for kind, names in outline(_inventory(context)).stacks.items():
            if kind in kinds:
                yield from names

    return find


def _controls(context: Any) -> Iterator[str]:
    for root in _roots(context):
        yield from sorted(path.parent.name for path in root.glob("policies/*/*/control.yaml"))
    yield from _recipes(context)


def _recipes(context: Any) -> Iterator[str]:
    for root in _roots(context):
        yield from sorted(path.stem for path in root.glob("cookbook/recipes/*.yaml"))


def _components(context: Any) -> Iterator[str]:
    for root in _roots(context):
        yield from sorted(path.stem for path in root.glob("stacks/components/[!_]*.py"))


landscapes = _never_failing(_stacks("landscape"))
stacks = _never_failing(_stacks("landscape", "cluster"))
"""Stacks on Kubernetes."""
clusters = _never_failing(_stacks("cluster"))
all_stacks = _never_failing(_stacks("landscape", "cluster", "network", "m365"))
networks = _never_failing(_stacks("network"))
m365_tenants = _never_failing(_stacks("m365"))
components = _never_failing(_components)
controls = _never_failing(_controls)
recipes = _never_failing(_recipes)
