"""The users in Redis's own list (redis.io, ACL): name, password and commands of each, never a password's value."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, verdict

FILE = "users.acl"
ADMINISTERS = ("-@admin", "-@dangerous")
PROBE = "probe"
"""The user of the pod's own probes: without a password, since it may only load the list and ask for a sign of life."""


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict about the list, where it can be read: in what is planned."""
    for subject in seen.of("Secret"):
        text = subject.texts.get(FILE)
        if text is not None:
            lines = [line.split() for line in text.splitlines() if line.startswith("user ")]
            wrong = [detail for line in lines for detail in _user(line[1], line[2:], seen)]
            yield verdict(subject.name, not wrong, wrong or Detail("users", len(lines)))


def _user(name: str, words: list[str], seen: Observation) -> Iterator[Detail]:
    if "on" not in words:
        return
    rights = [word for word in words if word[:1] in "+-"]
    if name == PROBE:
        if any(word.startswith("+@") for word in rights):
            yield Detail("all-commands", name)
        return
    if "nopass" in words or not any(word[:1] in ">#" for word in words):
        yield Detail("no-password", name)
    if ("+@all" in rights or "allcommands" in words) and not all(word in rights for word in ADMINISTERS):
        yield Detail("all-commands", name)
    if not any(name == component or name.startswith(f"{component}-r") for component in seen.landscape.order):
        yield Detail("nobodys", name)
