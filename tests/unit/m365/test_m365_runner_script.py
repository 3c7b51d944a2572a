"""The runner for PowerShell as text: it parses, calls only what it may, and always by splatting.

PowerShell itself is never executed by these tests; the runner's behaviour is tested on its stand-in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import tree_sitter
import tree_sitter_powershell

from ggi.cookbook.runner import ALLOW_LIST, CONTRACT, SCRIPT, allow_list, allowed_cmdlets
from ggi.paths import ROOT
from sandbox.graph import pwsh
from tests.unit.m365.place import book

SOURCE = (ROOT / SCRIPT).read_bytes()
OWN = {
    "Assert-Allowed", "Connect-Once", "ConvertTo-Plain", "ConvertTo-Table", "Get-Canonical", "Get-Kind",
    "Invoke-Allowed", "Invoke-Step", "Read-Step", "Test-Holds",
}  # fmt: skip
LANGUAGE = {
    "ConvertFrom-Json", "ConvertTo-Json", "Get-Content", "Join-Path", "Out-Null", "Set-Content", "Set-StrictMode",
    "Sort-Object", "Start-Sleep",
}  # fmt: skip
CONNECT = {"Connect-MicrosoftTeams", "Connect-ExchangeOnline", "Connect-IPPSSession", "Connect-SPOService"}


def nodes(kind: str, source: bytes = SOURCE) -> Iterator[tree_sitter.Node]:
    """Every node of a kind in a script."""
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))
    waiting = [parser.parse(source).root_node]
    while waiting:
        node = waiting.pop()
        if node.type == kind:
            yield node
        waiting += node.children


def text(node: tree_sitter.Node, source: bytes = SOURCE) -> str:
    """What a node says."""
    return source[node.start_byte : node.end_byte].decode()


def commands(source: bytes = SOURCE) -> list[str]:
    """The first word of every command."""
    return [re.split(r"\s", text(node, source), maxsplit=1)[0] for node in nodes("command", source)]


def dynamic(source: bytes = SOURCE) -> list[str]:
    """Commands whose name is not written in the script."""
    return [text(node, source) for node in nodes("command", source) if not text(node, source)[0].isalpha()]


def test_the_script_parses_and_a_broken_one_would_not() -> None:
    assert not list(nodes("ERROR"))
    assert list(nodes("ERROR", SOURCE.replace(b"foreach ($one in", b"foreach ($one in in (", 1)))


def test_it_calls_nothing_but_its_own_functions_the_language_and_the_four_connections() -> None:
    called = {name for name in commands() if name[0].isalpha()}
    assert called <= OWN | LANGUAGE | CONNECT
    assert called >= OWN
    assert called >= CONNECT


def test_there_is_one_dynamic_call_and_it_splats_after_the_check_of_the_allow_list() -> None:
    assert dynamic() == ["& $Call.cmdlet @parameters"]
    function = next(text(n) for n in nodes("function_statement") if text(n).startswith("function Invoke-Allowed"))
    assert function.index("Assert-Allowed $Call") < function.index("& $Call.cmdlet")


def test_no_text_is_ever_run() -> None:
    banned = (
        rb"Invoke-Expression|\biex\b|ScriptBlock\]|Invoke-Command|Start-Process|Add-Type|Invoke-WebRequest|\.Invoke\("
    )
    assert not re.search(banned, SOURCE, re.I)
    for sneaky in (b"Invoke-Expression $x", b"iex $x"):
        assert commands(sneaky) and not set(commands(sneaky)) <= OWN | LANGUAGE | CONNECT
    assert dynamic(b"& $anything") and dynamic(b". $anything")


def test_it_is_short_enough_to_be_read() -> None:
    assert SOURCE.count(b"\n") < 200


def test_the_allow_list_is_made_from_the_products() -> None:
    again = "run: ./ggi m365 schema"
    assert ALLOW_LIST.read_text(encoding="utf-8") == allow_list(book()), again


def test_the_allow_list_has_no_verb_that_removes_or_runs() -> None:
    assert {name.split("-")[0] for name in allowed_cmdlets(book())} <= {"Get", "Set", "New", "Update", "Enable"}


def test_script_stand_in_and_library_speak_the_same_contract() -> None:
    assert f"$Contract = {CONTRACT}".encode() in SOURCE
    assert pwsh.CONTRACT == CONTRACT
    words = set(re.findall(rb"outcome = '([a-z ]+)'", SOURCE))
    stand_in = (ROOT / "sandbox" / "graph" / "pwsh.py").read_bytes()
    spoken = set(re.findall(rb'"outcome": "([a-z ]+)"', stand_in)) | {b"written", b"not stuck"}
    assert words == spoken
    assert json.loads(ALLOW_LIST.read_text(encoding="utf-8"))
