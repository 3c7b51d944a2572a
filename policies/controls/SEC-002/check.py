"""Values of credentials come from references. Where values can't be seen, that is not judged."""

import re
from collections.abc import Iterator

from ggi.controls.sdk import HIDDEN, LITERAL, WEAK, Detail, Observation, Subject, Verdict, verdict

CREDENTIAL = re.compile(r"(password|passwd|secret|token|credential|private_?key|api_?key|dsn|secret_key)$", re.I)
"""Keys whose value should be hard to guess; others may be a port or a name."""
PUBLIC = re.compile(r"(user|username|ca\.crt|tls\.crt)$", re.I)
"""Keys of a Secret that are no secret: who signs in, and what everybody is shown."""


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per Secret; one for the stack when no value could be seen."""
    hidden = 0
    for subject in seen.of("Secret"):
        data = subject.body.get("data") or {}
        literal = [k for k, v in data.items() if v == LITERAL and not PUBLIC.search(k) and not _no_password(subject, k)]
        bad = sorted({*literal, *(k for k, v in data.items() if v == WEAK and CREDENTIAL.search(k))})
        if bad:
            yield verdict(subject.name, False, [Detail("key", name) for name in bad])
        elif data and not all(value == HIDDEN for value in data.values()):
            yield verdict(subject.name, True, [Detail("key", name) for name in sorted(data)])
        else:
            hidden += 1
    if hidden:
        yield verdict(seen.stack, None, Detail("not-looked-at", hidden))


def _no_password(subject: Subject, key: str) -> bool:
    """Whether it is a list of Redis's users in which no password stands: nobody has one yet."""
    lines = [line.split() for line in subject.texts.get(key, "").splitlines()]
    users = bool(lines) and all(line[:1] == ["user"] for line in lines)
    return users and not any(word[:1] in ">#<!" for line in lines for word in line)
