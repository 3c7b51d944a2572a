"""Scripts: the programs that a shell starts are found, as the shell's grammar has them (POSIX.1-2024, XCU 2)."""

from __future__ import annotations

import pytest

from ggi.landscape.scripts import programs


@pytest.mark.parametrize(
    ("script", "started"),
    [
        pytest.param("a && b -c || d; e | f", ["a", "b -c", "d", "e", "f"], id="separators"),
        pytest.param("a\n\nb &\nc", ["a", "b", "c"], id="lines"),
        pytest.param("a b \\\n  c", ["a b c"], id="a line that goes on"),
        pytest.param("if ! a; then b; elif c; then d; else e; fi", ["a", "b", "c", "d", "e"], id="if"),
        pytest.param("while a && kill -0 $$; do b; done & exec c", ["a", "b", "c"], id="a loop beside"),
        pytest.param("until a; do b; done", ["a", "b"], id="until"),
        pytest.param("f() { a x; }\nf; b", ["a x", "b"], id="a function is no program"),
        pytest.param("f()\n{\na\n}\nf", ["a"], id="a function over lines"),
        pytest.param("A=1 B=$C a D=2", ["a D=2"], id="assignments before a command"),
        pytest.param("a >f 2>/dev/null; <g b; c >>h", ["a 2", "b", "c"], id="redirections"),
        pytest.param("a >&2 && b", ["a", "b"], id="a redirection to another"),
        pytest.param("A=$(a b)", ["a b"], id="substitution"),
        pytest.param('[ "$A" != "$(a b)" ] && c', ["c", "a b"], id="substitution in quotes"),
        pytest.param("(a; b)", ["a", "b"], id="a shell of its own"),
        pytest.param("a 'b; c' \"d && e\"", ["a b; c d && e"], id="quotes"),
        pytest.param("echo a; cd b; set -e; exit 1", [], id="what the shell has itself"),
        pytest.param("case a in b) c ;; esac", ["case a in b c", "esac"], id="what is not understood does not pass"),
    ],
)
def test_the_programs_of_a_script_are_found(script: str, started: list[str]) -> None:
    assert [" ".join(one) for one in programs(script)] == started


def test_a_quote_that_is_not_closed_is_an_error() -> None:
    with pytest.raises(ValueError, match="quotation"):
        list(programs("a 'b"))
