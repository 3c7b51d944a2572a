"""The gRPC face of the provider: takes requests apart, calls the operations, and lets no secret into a message."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from ggi.engine.kubeapi import KubeApi
from ggi.errors import GgiError
from sandbox.plugins.kubernetes import wire
from sandbox.plugins.kubernetes.cluster import ClusterClient
from sandbox.plugins.kubernetes.diff import ChangeKind, Difference
from sandbox.plugins.kubernetes.engine_log import EngineLog
from sandbox.plugins.kubernetes.operations import Operations, PartialError
from sandbox.plugins.kubernetes.settings import Kubeconfig, ProviderSettings, compare, default_namespace
from sandbox.plugins.kubernetes.waiting import Waiter
from sandbox.plugins.server import decline_the_rest

_KINDS = {
    (ChangeKind.ADD, False): provider_pb2.PropertyDiff.ADD,
    (ChangeKind.ADD, True): provider_pb2.PropertyDiff.ADD_REPLACE,
    (ChangeKind.DELETE, False): provider_pb2.PropertyDiff.DELETE,
    (ChangeKind.DELETE, True): provider_pb2.PropertyDiff.DELETE_REPLACE,
    (ChangeKind.UPDATE, False): provider_pb2.PropertyDiff.UPDATE,
    (ChangeKind.UPDATE, True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
}


def plugin_version() -> str:
    """Return the version of the SDK package whose plugin this stands in for."""
    return importlib.metadata.version("pulumi-kubernetes")


def _hidden(request: Any, message: str) -> str:
    for field in ("olds", "news", "old_inputs", "properties", "inputs"):
        if hasattr(request, field):
            message = wire.redact(message, wire.read(getattr(request, field)))
    return message


def guarded(method: Callable[[Any, Any, Any], Any]) -> Callable[[Any, Any, Any], Any]:
    """Turn exceptions of an operation into gRPC errors that the engine understands, without secrets."""

    @functools.wraps(method)
    def call(self: Any, request: Any, context: Any) -> Any:
        try:
            return method(self, request, context)
        except PartialError as error:
            reasons = [_hidden(request, reason) for reason in error.reasons]
            detail = provider_pb2.ErrorResourceInitFailed(
                id=error.resource_id,
                properties=wire.write(error.state),
                reasons=reasons,
                inputs=wire.write(error.inputs) if error.inputs else None,
            )
            status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message="; ".join(reasons))
            status.details.add().Pack(detail)
            context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
            context.abort(grpc.StatusCode.UNKNOWN, "; ".join(reasons))
        except (GgiError, ValueError) as error:
            context.abort(grpc.StatusCode.UNKNOWN, _hidden(request, str(error)))
        except Exception as error:
            # A defect of this stand-in: name it, and its place, but no values.
            last = traceback.extract_tb(error.__traceback__)[-1]
            shown = traceback.format_exc() if os.environ.get("GGI_DEBUG") else f"{type(error).__name__}: {error}"
            place = f"{os.path.basename(last.filename)}:{last.lineno}"  # noqa: PTH119
            context.abort(grpc.StatusCode.INTERNAL, _hidden(request, f"defect in the stand-in at {place}: {shown}"))

    return call


@decline_the_rest
class KubernetesProvider(provider_pb2_grpc.ResourceProviderServicer):
    """One provider process; the engine configures it once."""

    def __init__(self, engine: str) -> None:
        self.log = EngineLog(engine)
        self.cancelled = threading.Event()
        self.operations: Operations | None = None

    @property
    def _do(self) -> Operations:
        if self.operations is None:
            raise ValueError("the provider is not configured yet")
        return self.operations

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802 - the names are gRPC's
        return plugin_pb2.PluginInfo(version=plugin_version())

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.cancelled.set()
        return empty_pb2.Empty()

    @guarded
    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        return provider_pb2.CheckResponse(inputs=request.news)

    @guarded
    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        change = compare(wire.plain(wire.read(request.olds)), wire.plain(wire.read(request.news)))
        some = provider_pb2.DiffResponse.DIFF_SOME if change.changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=some, diffs=change.changed, replaces=change.replaces)

    @guarded
    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.operations = self._connect(ProviderSettings.read(dict(request.variables)))
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def _connect(self, settings: ProviderSettings) -> Operations:
        try:
            kubeconfig = Kubeconfig.load(settings.kubeconfig)
            namespace = default_namespace(settings, kubeconfig)
            api = KubeApi.from_mapping(kubeconfig.with_cluster(settings), kubeconfig.file, settings.context or None)
            api.version()
        except GgiError as error:
            # As the official plugin: a preview goes on without the server, an update stops at the first object.
            self.log.warn("", f"The configured Kubernetes cluster is unreachable: {error.problems[0].message}")
            return Operations(settings, settings.namespace or "default", None, None, str(error.problems[0].message))
        waiter = Waiter(api, self.cancelled, self.log.status)
        return Operations(settings, namespace, ClusterClient(api, self.cancelled), waiter)

    @guarded
    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        proposed = None
        if request.HasField("autonaming"):
            proposed = request.autonaming.proposed_name
        old, new = wire.read(request.olds), wire.read(request.news)
        inputs = self._do.check(request.urn, old, new, request.randomSeed, proposed)
        return provider_pb2.CheckResponse(inputs=wire.write(inputs))

    @guarded
    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        found = self._do.compare(wire.read(request.olds), wire.read(request.news), list(request.ignoreChanges))
        changes = found.differences.found
        some = provider_pb2.DiffResponse.DIFF_SOME if changes else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=some,
            replaces=found.replaces,
            deleteBeforeReplace=found.delete_first,
            detailedDiff=_detailed(changes),
            hasDetailedDiff=True,
        )

    @guarded
    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        new = wire.read(request.properties)
        resource_id, state = self._do.create(request.urn, new, request.timeout, preview=request.preview)
        return provider_pb2.CreateResponse(id=resource_id, properties=wire.write(state))

    @guarded
    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        old, inputs = wire.read(request.properties), wire.read(request.inputs)
        found = self._do.read(request.urn, request.id, old, inputs)
        if found is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=found.resource_id, properties=wire.write(found.state), inputs=wire.write(found.inputs)
        )

    @guarded
    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        old, new, ignored = wire.read(request.olds), wire.read(request.news), list(request.ignoreChanges)
        state = self._do.update(request.urn, old, new, request.timeout, ignored, preview=request.preview)
        return provider_pb2.UpdateResponse(properties=wire.write(state))

    @guarded
    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._do.delete(request.urn, wire.read(request.properties), request.timeout)
        return empty_pb2.Empty()


def _detailed(changes: Mapping[str, Difference]) -> dict[str, Any]:
    return {
        path: provider_pb2.PropertyDiff(
            kind=_KINDS[change.change, change.replaces], inputDiff=change.change is ChangeKind.DELETE
        )
        for path, change in changes.items()
    }
