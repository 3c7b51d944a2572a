"""Objects of Microsoft Graph as recipes see them: read in batches, written one by one, read again until it shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence

from ggi.cookbook.channel import Failed, Written
from ggi.cookbook.compare import same
from ggi.cookbook.content import Cookbook
from ggi.cookbook.graph.client import Answer, GraphClient, Request
from ggi.cookbook.graph.shapes import reading, write_request
from ggi.cookbook.plan import PlannedWrite
from ggi.cookbook.product import Resource
from ggi.cookbook.reading import EVERY, Reading, ReadResult, Reason, Ref, Unreadable
from ggi.messages import t

LOOKS = 8
"""Times that an object is read again after a write; with doubling pauses from half a second that is about a minute."""
FIRST_LOOK = 0.5


class GraphChannel:
    """Reads and writes with an application's rights, and with those of an administrator where only they will do."""

    def __init__(self, book: Cookbook, application: GraphClient, administrator: GraphClient | None = None) -> None:
        self._book = book
        self.application = application
        self._administrator = administrator

    @property
    def caller(self) -> str:
        """Whom Graph knows us as: the administrator who signed in for this run, else the application; may be empty."""
        signed_in = self._administrator.caller if self._administrator is not None else ""
        return signed_in or self.application.caller

    def _client(self, resource: Resource) -> GraphClient | None:
        return self._administrator if resource.permissions.delegated_only else self.application

    async def read(self, refs: Sequence[Ref]) -> dict[Ref, ReadResult]:
        """Every object that `refs` name; a name of "*" stands for all that exist, and is itself in the answer."""
        found: dict[Ref, ReadResult] = {}
        by_client: dict[GraphClient, dict[str, tuple[Request, list[Ref]]]] = {}
        for ref in dict.fromkeys(refs):
            resource = self._book.resource(ref.resource)
            client = self._client(resource)
            if client is None:
                found[ref] = Unreadable(Reason.DELEGATED, resource.permissions.read[-1])
                continue
            request = Request(_read_url(resource), resource.service, version=resource.version)
            by_client.setdefault(client, {}).setdefault(request.url, (request, []))[1].append(ref)
        for client, requests in by_client.items():
            pairs = list(requests.values())
            answers = await client.batch([request for request, _ in pairs])
            for (request, asked), first in zip(pairs, answers, strict=True):
                answer = await client.rest_of(request, first) if first.fine else first
                for ref in asked:
                    found.update(self._seen(ref, answer))
        return found

    def _seen(self, ref: Ref, answer: Answer) -> Iterator[tuple[Ref, ReadResult]]:
        resource = self._book.resource(ref.resource)
        if not answer.fine:
            yield ref, _refused(answer, resource)
            return
        if not resource.collection:
            yield ref, reading(ref, answer.body, resource)
            return
        listed = answer.body.get("value", [])
        objects = {str(o.get(resource.collection, "")): o for o in listed}
        twice = Counter(str(o.get(resource.collection, "")) for o in listed)
        if ref.item not in objects:
            yield ref, Reading(ref, {} if ref.item == EVERY else None)
        # The others as well: one of the tenant's own may do what a recipe asks.
        for name, body in objects.items():
            one = Ref(ref.resource, name)
            if twice[name] > 1:
                # Graph lets policies have one name. Which of them is meant, nobody can tell.
                yield one, Unreadable(Reason.AMBIGUOUS, name)
            else:
                yield one, reading(one, body, resource)

    async def write(self, changes: Sequence[PlannedWrite]) -> AsyncIterator[Written]:
        """Write one after the other, each read again until the change shows. The first that fails is the last."""
        for change in changes:
            resource = self._book.resource(change.ref.resource)
            client = self._client(resource)
            if client is None:
                yield Written(change, Failed(str(Unreadable(Reason.DELEGATED))))
                return
            current = (await self.read([change.ref]))[change.ref]
            if isinstance(current, Unreadable):
                yield Written(change, Failed(str(current)))
                return
            if _moved(change, current):
                yield Written(change, Failed(t("it was changed by somebody else since the plan was made")), current)
                return
            answer = await client.send(write_request(change, current, resource))
            if not answer.fine:
                yield Written(change, Failed(_why(answer)))
                return
            yield await self._look_again(change, client)

    async def _look_again(self, change: PlannedWrite, client: GraphClient) -> Written:
        """Graph is eventually consistent: an accepted write may show later. It counts when it shows."""
        found: ReadResult = Unreadable(Reason.FAILED)
        for look in range(LOOKS):
            found = (await self.read([change.ref]))[change.ref]
            if isinstance(found, Reading) and change.shows_in(found):
                return Written(change, None, found)
            await client.clock.sleep(FIRST_LOOK * 2**look)
        return Written(change, Failed(t("the service accepted the write, but it had no effect")), found)

    async def members(self, group: str) -> int | Unreadable:
        """How many members a group has (transitive)."""
        request = Request(f"/groups/{group}/transitiveMembers?$select=id")
        first = await self.application.send(request)
        answer = await self.application.rest_of(request, first) if first.fine else first
        if answer.status == 404:
            return Unreadable(Reason.ABSENT, t("there is no group {id}", id=group))
        if not answer.fine:
            return Unreadable(Reason.PERMISSION if answer.status == 403 else Reason.FAILED, answer.error)
        return len(answer.body["value"])


def _moved(change: PlannedWrite, current: Reading) -> bool:
    """Whether what a change is about is not as it was when the plan was made."""
    if current.values is None:
        return not change.creates and bool(change.before)
    values = current.values
    return any(path in values and not same(values[path], value) for path, value in change.before.items())


def _read_url(resource: Resource) -> str:
    url = resource.url
    if resource.collection or resource.pairs or resource.update == "PUT":
        # A list is small, and a PUT needs the whole object.
        return url
    tops = dict.fromkeys(path.split(".")[0] for path in resource.properties)
    # A method's configuration is of a derived type, whose properties $select does not know.
    return url if "authenticationMethodConfigurations" in url else f"{url}?$select={','.join(tops)}"


def _refused(answer: Answer, resource: Resource) -> Unreadable:
    """An error as a reason. What can't be told apart is "failed", never "absent"."""
    text = answer.error.lower()
    if answer.status in (401, 403):
        if "license" in text or "premium" in text:
            return Unreadable(Reason.LICENCE, answer.error)
        return Unreadable(Reason.PERMISSION, ", ".join(resource.permissions.read) or answer.error)
    if answer.status == 404:
        return Unreadable(Reason.ABSENT, answer.error)
    return Unreadable(Reason.FAILED, answer.error)


def _why(answer: Answer) -> str:
    if answer.status == 412:
        return t("it was changed by somebody else since it was read")
    return answer.error
