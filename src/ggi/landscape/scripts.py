"""Which programs does a shell script start?

Simple commands are found as the shell does (POSIX.1-2024, XCU 2.10, Shell Grammar): a command begins where the script
does, after a separator, and after a reserved word; assignments before it and redirections around it are no part of it.
`case`, here-documents and arithmetic are not understood: their words come out as programs, which no contract has, so
nothing passes by mistake.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

RESERVED = frozenset(("if", "then", "elif", "else", "fi", "while", "until", "do", "done", "{", "}", "!", "exec"))
"""Words after which a command begins (XCU 2.4); `exec` is a command that hands over to the one after it."""
BUILT_IN = frozenset((":", "[", "cd", "echo", "exit", "export", "false", "kill", "read", "set", "test", "trap", "true"))
"""Commands that every shell has in itself: dash(1) and bash(1), Builtins."""
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
SUBSTITUTION = re.compile(r"\$\(([^()]+)\)")


def programs(script: str) -> Iterator[list[str]]:
    """Each simple command that is neither built into the shell nor a function of the script, with its arguments.

    Raises ValueError when quotes are not closed.
    """
    lexer = shlex.shlex(script.replace("\\\n", " "), posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace, lexer.commenters, lexer.whitespace_split = " \t", "", True
    functions: set[str] = set()
    command: list[str] = []
    begins, file_next = True, False
    found: list[list[str]] = []
    inner: list[str] = []
    for token in [*lexer, "\n"]:
        if not set(token) <= set("();<>|&\n"):
            inner += SUBSTITUTION.findall(token)
            if file_next:
                file_next = False
            elif not begins:
                command.append(token)
            elif token not in RESERVED and not ASSIGNMENT.match(token):
                command, begins = [token], False
        elif command and token.strip("\n") == "()":
            functions.add(command.pop())
            begins = True
        elif set(token) & set("<>"):
            file_next = True
        elif set(token) & set(";|&\n("):
            found += [command] if command else []
            command, begins = [], True
    for text in inner:
        found += programs(text)
    yield from (one for one in found if one[0] not in BUILT_IN | functions)
