"""Wait until an object is ready, or gone. Polls: 50 ms at first, one second at last."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ggi.engine.kubeapi import KubeApi
from ggi.engine.kubehttp import ApiError, BusyError, ServerError, UnreachableError
from sandbox.plugins.kubernetes.objects import (
    DELETION_PROPAGATION,
    SKIP_AWAIT,
    TIMEOUT_SECONDS,
    Object,
    annotation,
    at,
    full_name,
    is_on,
    name_of,
    namespace_of,
)
from sandbox.plugins.kubernetes.readiness import SECONDS, Readiness, looked_at_on_read, rule_for
from sandbox.plugins.kubernetes.reasons import why_not_gone, why_not_ready
from sandbox.plugins.kubernetes.wait_for import conditions_of

FIRST_PAUSE = 0.05
LAST_PAUSE = 1.0
GROWTH = 1.5
QUIET_LOOKS = 5
"""Looks (about a second) before the person is told what is waited for: most waits are shorter."""
DEFAULT_SECONDS = 600.0
"""As the official plugin waits, unless the kind, an annotation or the program says otherwise."""
PATIENCE_SECONDS = 30.0
"""How long the server may not answer while something is waited for."""

_NOT_AWAITED_ON_DELETE = frozenset(
    {"Namespace", "Pod", "ReplicationController", "DaemonSet", "Deployment", "StatefulSet", "Job"}
)
"""Kinds whose deletion `skipAwait` does not wait for either (the official plugin keeps an old bug alive here)."""


class NotReadyError(Exception):
    """The object is there and did not become ready. `live` is its last known form."""

    def __init__(self, message: str, reasons: list[str], live: Object) -> None:
        super().__init__(message)
        self.message = message
        self.reasons = reasons
        self.live = live


@dataclass(frozen=True, slots=True)
class Waiter:
    """Waits at one server; `cancelled` ends every wait; `show(urn, message)` tells what is waited for."""

    api: KubeApi
    cancelled: threading.Event
    show: Callable[[str, str], None]

    def until_ready(self, urn: str, obj: Object, inputs: Object, timeout: float) -> Object:
        """Return the live object as soon as it is ready. Raises NotReadyError, also when cancelled.

        `timeout` in seconds; 0: the annotation of `inputs`, else the kind's default.
        """
        custom = [] if is_on(inputs, SKIP_AWAIT) else conditions_of(obj)
        rule = None if is_on(inputs, SKIP_AWAIT) or custom else rule_for(obj)
        if not custom and rule is None:
            return obj

        def judge(live: Object) -> Readiness:
            if rule is not None:
                return rule(live, self._endpoints(live))
            return next((v for v in (check(live) for check in custom) if not v.ready), Readiness(True))

        seconds = seconds_for(inputs, timeout, SECONDS.get(str(obj.get("kind")), DEFAULT_SECONDS))
        live, verdict, shown = obj, judge(obj), False
        message = ""
        for count, _ in enumerate(self._ticks(seconds) if not verdict.ready and not verdict.failed else ()):
            live = self._newer(live)
            verdict = judge(live)
            if verdict.ready or verdict.failed:
                break
            if count > QUIET_LOOKS and verdict.message != message:
                message, shown = verdict.message, True
                self.show(urn, message)
        if shown:
            self.show(urn, "")
        if verdict.ready:
            return live
        why = "was cancelled while it waited" if self.cancelled.is_set() else f"is not ready after {seconds:g} s"
        message = f"{obj.get('kind')} {full_name(obj)} {'failed' if verdict.failed else why}: {verdict.message}"
        raise NotReadyError(message, why_not_ready(self.api, live), live)

    def is_ready(self, obj: Object, inputs: Object) -> Readiness:
        """Judge `obj` as it is now, without waiting: what a refresh reports."""
        rule = rule_for(obj)
        if rule is None or not looked_at_on_read(obj) or is_on(inputs, SKIP_AWAIT):
            return Readiness(True)
        return rule(obj, self._endpoints(obj))

    def until_gone(self, urn: str, obj: Object, inputs: Object, timeout: float) -> None:
        """Wait until `obj` (by its uid) is gone. Raises NotReadyError when it is still there in the end."""
        if is_on(inputs, SKIP_AWAIT) and obj.get("kind") in _NOT_AWAITED_ON_DELETE:
            return
        seconds = seconds_for(inputs, timeout, DEFAULT_SECONDS)
        live: Object | None = obj
        for count, _ in enumerate(self._ticks(seconds)):
            live = self._find(obj)
            if live is None or at(live, "metadata", "uid") != at(obj, "metadata", "uid"):
                return
            if count == QUIET_LOOKS:
                self.show(urn, "Waiting until it is gone")
        still = live or obj
        why = "the deletion was cancelled" if self.cancelled.is_set() else f"it is still there after {seconds:g} s"
        raise NotReadyError(f"{obj.get('kind')} {full_name(obj)}: {why}", why_not_gone(self.api, still), still)

    def _ticks(self, seconds: float) -> Iterator[None]:
        end, pause = time.monotonic() + seconds, FIRST_PAUSE
        while (left := end - time.monotonic()) > 0:
            if self.cancelled.wait(min(pause, left)):
                return
            yield
            pause = min(pause * GROWTH, LAST_PAUSE)

    def _newer(self, obj: Object) -> Object:
        live = self._find(obj)
        if live is None:
            raise NotReadyError(f"{obj.get('kind')} {full_name(obj)} was deleted while it was waited for", [], obj)
        return live

    def _find(self, obj: Object) -> Object | None:
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self.api.find(str(obj["apiVersion"]), str(obj["kind"]), name_of(obj), namespace_of(obj) or None)
            except (BusyError, ServerError, UnreachableError) as error:
                if time.monotonic() > end or self.cancelled.wait(LAST_PAUSE):
                    raise self._lost(obj, error) from error
            except ApiError as error:
                raise self._lost(obj, error) from error

    def _lost(self, obj: Object, error: ApiError) -> NotReadyError:
        # The object is there: it must reach the state whatever the server says now.
        return NotReadyError(f"{obj.get('kind')} {full_name(obj)} was lost sight of: {error.message}", [], obj)

    def _endpoints(self, obj: Object) -> Callable[[str], Object | None]:
        def find(service: str) -> Object | None:
            try:
                return self.api.find("v1", "Endpoints", service, namespace_of(obj) or None)
            except ApiError:
                return None

        return find


def seconds_for(inputs: Object, timeout: float, default: float) -> float:
    """Return how long to wait: the program's time-out, else the annotation, else `default`."""
    if timeout:
        return timeout
    text = annotation(inputs, TIMEOUT_SECONDS)
    return float(text) if text.isdigit() else default


def propagation(inputs: Object) -> str:
    """Return what a deletion does with dependents: the annotation's choice, else Foreground."""
    return {"orphan": "Orphan", "background": "Background"}.get(
        annotation(inputs, DELETION_PROPAGATION).lower(), "Foreground"
    )
