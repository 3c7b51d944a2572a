"""One builder turns every component into its objects: configuration, secrets, Jobs, workloads, Services, routes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ggi.catalogue.component import Configuration, Context, Job, Manifest, Process, document, service_name
from ggi.catalogue.secrets import SecretText, secret_name
from ggi.catalogue.tls import REQUEST_SECONDS, certificate_secret
from ggi.inventory.load import Environment
from ggi.landscape.objects import NAMESPACE, PLATFORM, Body, Object, digest, labels, selector
from ggi.landscape.platform import DEFAULT_DENY, GATEWAY, INTERNAL_ISSUER, make
from ggi.landscape.pods import DRAIN, Mounts, container, container_extra, drains, resources, template
from ggi.landscape.relations import service_port

HSTS = "max-age=31536000; includeSubDomains"
"""One year: internet.nl asks for at least that."""
RESPONSE_HEADERS = {
    "Strict-Transport-Security": HSTS,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


class Workload:
    """Builds the objects of one component."""

    def __init__(self, context: Context, configuration: Configuration, ready: Sequence[str]) -> None:
        """`ready` are the logical names of what must work before this component starts."""
        self.context = context
        self.component = context.component
        self.environment: Environment = context.environment
        self.configuration = configuration
        self.ready = tuple(ready)
        self.objects: list[Object] = []
        self.account: Object | None = None
        """Of the pods that are built here; who makes pods himself makes their account too."""
        if self.component.runs or any(not process.pod_labels for process in self.component.processes):
            self.account = self._add(
                "ServiceAccount", "main", "v1", self.component.name, {"automountServiceAccountToken": False}
            )

    def _add(
        self,
        kind: str,
        role: str,
        api: str,
        kube_name: str,
        content: Mapping[str, Any],
        needs: Sequence[str] = (),
        **more: Any,
    ) -> Object:
        item = make(
            self.environment, self.component.name, kind, role, api, kube_name, content, (NAMESPACE, *needs), **more
        )
        self.objects.append(item)
        return item

    # -- configuration -----------------------------------------------------------------------------------------------

    def _config_map(self, role: str, data: Mapping[str, str]) -> Object | None:
        if not data:
            return None
        base = f"{self.component.name}-{role}"
        ordered = dict(sorted(data.items()))
        return self._add(
            "ConfigMap", role, "v1", f"{base}-{digest(ordered)}", {"immutable": True, "data": ordered}, base=base
        )

    def _secret(self, role: str, data: Mapping[str, SecretText]) -> Object | None:
        if not data:
            return None
        counter = self.environment.settings.rotation.current
        base = f"{self.component.name}-{role}"
        name = secret_name(base, counter)
        return self._add(
            "Secret",
            role,
            "v1",
            name,
            {"immutable": True, "type": "Opaque"},
            secrets=dict(sorted(data.items())),
            base=base,
        )

    def _env_from(self, *sources: Object | None) -> list[dict[str, Any]]:
        kinds = {"ConfigMap": "configMapRef", "Secret": "secretRef"}
        return [{kinds[s.kind]: {"name": s.kube_name}} for s in sources if s is not None]

    def _manifest(self, manifest: Manifest) -> Object:
        body = dict(manifest.body)
        kind, api = body.pop("kind"), body.pop("apiVersion")
        metadata = dict(body.pop("metadata"))
        name = metadata.pop("name")
        secrets: dict[str, SecretText] = {}
        if kind == "Secret":
            data = body.pop("data", {})
            secrets = {k: v if isinstance(v, SecretText) else SecretText((v,)) for k, v in data.items()}
        item = self._add(kind, manifest.role, api, name, body, manifest.needs, secrets=secrets)
        if metadata:
            own = item.body["metadata"]
            own["labels"] = own["labels"] | metadata.pop("labels", {})
            own.update(metadata)
        return item

    # -- everything --------------------------------------------------------------------------------------------------

    def build(self) -> list[Object]:
        """All objects of the component, in no particular order; `needs` tells the order."""
        configuration = self.configuration
        extra = [self._manifest(m) for m in configuration.objects]
        early = [o.name for o, m in zip(extra, configuration.objects, strict=True) if m.early]
        early += self._certificate()
        env = self._config_map("env", configuration.environment)
        secret = self._secret("env", configuration.secrets)
        files = {
            name: self._config_map(f"{name}-files", self._keyed(paths)) for name, paths in configuration.files.items()
        }
        secret_files = {
            name: self._secret(f"{name}-files", self._keyed(paths))
            for name, paths in configuration.secret_files.items()
        }
        common = self._config_map("files", self._keyed(configuration.common_files))
        claims = self._claims()
        made = [o.name for o in (env, secret, common, *files.values(), *secret_files.values()) if o is not None]
        accounts = [self.account.name] if self.account else []
        before = [*made, *claims, *early, *accounts, DEFAULT_DENY, *self.ready]

        def mounts(process: Process, name: str, prefix: str = "") -> Mounts:
            """What a pod of `process`, or a Job called `name` that resembles it, mounts.

            `prefix` tells the volumes of a container beside another one from those of that one.
            """
            result = Mounts(prefix)
            result.scratch(process.writable)
            for volume in () if process.stateful else process.volumes:
                result.claim(volume.name, f"{self.component.name}-{volume.name}", volume.path, volume.read_only)
            for mount in process.secret_mounts:
                result.secret(mount)
            if common is not None and process.configured:
                result.files(
                    "files", "ConfigMap", common.kube_name, {self._key(p): p for p in configuration.common_files}
                )
            for kind, found, paths in (
                ("ConfigMap", files.get(name), configuration.files.get(name, {})),
                ("Secret", secret_files.get(name), configuration.secret_files.get(name, {})),
            ):
                if found is not None:
                    result.files(f"files-{kind.lower()}", kind, found.kube_name, {self._key(p): p for p in paths})
            return result

        main = self.component.processes[0]
        for run in self.component.runs:
            if not run.after_start:
                before = [*before, self._job(run, main, before, env, secret, mounts)]
        for process in self.component.processes:
            if not process.pod_labels:
                self._process(process, before, env, secret, mounts)
            self._monitor(process)
        after = [*before, *(o.name for o in self.objects if o.kind in ("Deployment", "StatefulSet"))]
        for run in self.component.runs:
            if run.after_start:
                after = [*after, self._job(run, main, after, env, secret, mounts)]
        self._route()
        return self.objects

    def _keyed(self, paths: Mapping[str, Any]) -> dict[str, Any]:
        return {self._key(path): content for path, content in paths.items()}

    @staticmethod
    def _key(path: str) -> str:
        return path.strip("/").replace("/", "_")

    def _claims(self) -> list[str]:
        """A claim per volume that processes share; a StatefulSet makes its own."""
        storage = self.environment.cluster.storage
        names = []
        volumes = {v.name: v for p in self.component.processes if not p.stateful for v in p.volumes}
        for volume in volumes.values():
            spec = {
                "accessModes": ["ReadWriteMany" if volume.shared else "ReadWriteOnce"],
                "storageClassName": storage.shared if volume.shared else storage.block,
                "resources": {"requests": {"storage": volume.size}},
            }
            item = self._add(
                "PersistentVolumeClaim",
                volume.name,
                "v1",
                f"{self.component.name}-{volume.name}",
                {"spec": spec},
            )
            names.append(item.name)
        return names

    def _job(
        self,
        run: Job,
        main: Process,
        before: Sequence[str],
        env: Object | None,
        secret: Object | None,
        mounts: Callable[[Process, str], Mounts],
    ) -> str:
        configuration = self.configuration
        sources = [env, secret] if run.configured else []
        extra_needs: list[str] = []
        extra_mounts = mounts(main, run.name)
        if run.name == "configure" and configuration.setup is not None:
            made = self._config_map("setup", {"data.yaml": document(configuration.setup)})
            secrets = self._secret("setup", configuration.setup_secrets)
            sources.append(secrets)
            if made is not None:
                extra_mounts.files("setup", "ConfigMap", made.kube_name, {"data.yaml": configuration.setup_path})
            extra_needs = [o.name for o in (made, secrets) if o is not None]
        pod = template(
            container(
                name=run.name,
                image=self.context.image(run.image or main.image),
                command=run.command,
                args=(),
                env=main.environment,
                env_from=self._env_from(*sources),
                mounts=extra_mounts,
                resources=resources(run.cpu, run.memory, self._own_resources(run.name)),
                extra={},
            ),
            labels=labels(self.environment.stack, self.component.name, run.name),
            uid=main.uid,
            files_group=main.files_group,
            account=self.component.name,
            mounts=extra_mounts,
            grace=main.grace,
            restart="Never",
        )
        spec = {"backoffLimit": 3, "activeDeadlineSeconds": 1800, "template": pod}
        base = f"{self.component.name}-{run.name}"
        item = self._add(
            "Job", run.name, "batch/v1", f"{base}-{digest(spec)}", {"spec": spec}, [*before, *extra_needs], base=base
        )
        return item.name

    def _own_resources(self, process: str) -> Any:
        return self.environment.components[self.component.name].resources.get(process)

    def _process(
        self,
        process: Process,
        before: Sequence[str],
        env: Object | None,
        secret: Object | None,
        mounts: Callable[..., Mounts],
    ) -> None:
        name = service_name(self.component.name, process.name)
        own = mounts(process, process.name)
        main = self._container(process, name, own, self._env_from(env, secret) if process.configured else [])
        beside = []
        for other in process.beside:
            theirs = mounts(other, other.name, f"{other.name}-")
            own.add(theirs)
            made = self._container(other, name, theirs, [])
            made["securityContext"] = made["securityContext"] | {"runAsUser": other.uid, "runAsGroup": other.uid}
            beside.append(made)
        pods = self.context.replicas[process.name]
        chosen = selector(self.component.name, process.name)
        pod = template(
            main,
            *beside,
            labels=labels(self.environment.stack, self.component.name, process.name),
            uid=process.uid,
            files_group=process.files_group,
            account=self.component.name,
            mounts=own,
            grace=process.grace + (DRAIN if drains(process) else 0),
            spread=chosen if pods > 1 else None,
            prepare=process.prepare,
            prepare_from=self._env_from(env) if process.configured else [],
        )
        spec: Body = {"replicas": pods, "selector": {"matchLabels": chosen}, "template": pod}
        kind = "StatefulSet" if process.stateful else "Deployment"
        if process.stateful:
            spec["serviceName"] = name
            spec["podManagementPolicy"] = "Parallel"
            self._own_claims(process, spec)
        else:
            spec["revisionHistoryLimit"] = 3
            rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
            spec["strategy"] = {"type": "Recreate"} if process.singleton else rolling
        item = self._add(kind, process.name, "apps/v1", name, {"spec": spec}, before)
        item.body["metadata"]["labels"]["app.kubernetes.io/version"] = self.context.version.version
        item.body["metadata"]["labels"]["app.kubernetes.io/component"] = process.name
        if process.pod_ports:
            self._service(process, name, chosen)
        if pods > 1:
            content = {"spec": {"maxUnavailable": 1, "selector": {"matchLabels": chosen}}}
            self._add("PodDisruptionBudget", process.name, "policy/v1", name, content)

    def _container(self, process: Process, host: str, mounts: Mounts, env_from: Sequence[Mapping[str, Any]]) -> Body:
        """A container of a pod, behind the Service `host`."""
        return container(
            name=process.container or process.name,
            image=self.context.image(process.image),
            command=process.command,
            args=process.args,
            env=process.environment,
            env_from=env_from,
            mounts=mounts,
            resources=resources(process.cpu, process.memory, self._own_resources(process.name)),
            extra=container_extra(process, host),
        )

    def _certificate(self) -> list[str]:
        """The certificate for the component's own names, by the namespace's authority; the logical names of it."""
        if not self.component.certified:
            return []
        process = self.component.certified
        names = [self.context.host] if self.context.host else []
        names += [self.context.service(process), service_name(self.component.name, process)]
        spec = {
            "secretName": certificate_secret(self.component.name),
            "dnsNames": names,
            "duration": "2160h",
            "renewBefore": "720h",
            "usages": ["digital signature", "key encipherment", "server auth", "client auth"],
            "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
            "issuerRef": {"name": INTERNAL_ISSUER, "kind": "Issuer", "group": "cert-manager.io"},
        }
        name = certificate_secret(self.component.name)
        needs = [f"{PLATFORM}/Issuer/{INTERNAL_ISSUER}"]
        return [self._add("Certificate", "internal", "cert-manager.io/v1", name, {"spec": spec}, needs).name]

    def _own_claims(self, process: Process, spec: Body) -> None:
        """Volume claims that the StatefulSet makes per pod."""
        claims = []
        for volume in process.volumes:
            claims.append(
                {
                    "metadata": {"name": volume.name},
                    "spec": {
                        "accessModes": ["ReadWriteOnce"],
                        "storageClassName": self.environment.cluster.storage.block,
                        "resources": {"requests": {"storage": volume.size}},
                    },
                }
            )
            container = spec["template"]["spec"]["containers"][0]
            container.setdefault("volumeMounts", []).append({"name": volume.name, "mountPath": volume.path})
        if claims:
            spec["volumeClaimTemplates"] = claims

    def _service(self, process: Process, name: str, chosen: Mapping[str, str]) -> None:
        ports = [
            {"name": p.name, "port": service_port(p.name, p.number), "targetPort": p.name, "protocol": "TCP"}
            for p in process.pod_ports
            if not p.own
        ]
        item = self._add(
            "Service",
            process.name,
            "v1",
            name,
            {"spec": {"type": "ClusterIP", "selector": dict(chosen), "ports": ports}},
        )
        if any(p.metrics for p in process.pod_ports):
            item.body["metadata"]["labels"]["ggi/metrics"] = "true"

    def _monitor(self, process: Process) -> None:
        """Where Prometheus reads figures, on clusters that have it; the paths are /metrics, its own default."""
        ports = [p.name for p in process.ports if p.metrics]
        if not ports or self.environment.cluster.monitoring is None:
            return
        chosen = process.pod_labels or selector(self.component.name, process.name)
        spec = {
            "selector": {"matchLabels": dict(chosen)},
            "podMetricsEndpoints": [{"port": port} for port in ports],
        }
        name = service_name(self.component.name, process.name)
        self._add("PodMonitor", process.name, "monitoring.coreos.com/v1", name, {"spec": spec})

    def _route(self) -> None:
        """HTTPRoute (or TLSRoute) and the public certificate."""
        component = self.component
        if not component.route or not self.context.host:
            return
        process, _, port_name = component.route.partition(":")
        number = component.process(process).port(port_name).number
        backend = {"name": service_name(component.name, process), "port": service_port(port_name, number)}
        needs = [f"{PLATFORM}/Gateway/main", f"{component.name}/Service/{process}"]
        parent = {"parentRefs": [{"name": GATEWAY, "sectionName": component.name}], "hostnames": [self.context.host]}
        if component.passthrough:
            spec = {**parent, "rules": [{"backendRefs": [backend]}]}
            self._add("TLSRoute", "main", "gateway.networking.k8s.io/v1", component.name, {"spec": spec}, needs)
            return
        headers = [{"name": key, "value": value} for key, value in RESPONSE_HEADERS.items()]
        rule = {
            "matches": [{"path": {"type": "PathPrefix", "value": p}} for p in self.configuration.public_paths],
            "filters": [{"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": headers}}],
            "backendRefs": [backend],
            "timeouts": {"request": f"{REQUEST_SECONDS}s", "backendRequest": f"{REQUEST_SECONDS}s"},
        }
        if port_name == "https":
            needs = [*needs, self._to_the_pod(process, port_name)]
        self._add(
            "HTTPRoute",
            "main",
            "gateway.networking.k8s.io/v1",
            component.name,
            {"spec": {**parent, "rules": [rule]}},
            needs,
        )
        certificate = {
            "secretName": f"{component.name}-tls",
            "dnsNames": [self.context.host],
            "duration": "2160h",
            "renewBefore": "720h",
            "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
            "issuerRef": {
                "name": self.environment.cluster.gateway.issuer,
                "kind": "ClusterIssuer",
                "group": "cert-manager.io",
            },
        }
        self._add("Certificate", "public", "cert-manager.io/v1", f"{component.name}-tls", {"spec": certificate})

    def _to_the_pod(self, process: str, port: str) -> str:
        """TLS from the gateway to the pods: for the public name, by the namespace's authority. Its logical name.

        The authority is read from the Secret of the component's certificate, so it follows every renewal. Gateway API
        leaves Secrets to the implementation; Envoy Gateway v1.9.1 reads them (internal/gatewayapi/backendtlspolicy.go).
        """
        component = self.component
        service = service_name(component.name, process)
        spec = {
            "targetRefs": [{"group": "", "kind": "Service", "name": service, "sectionName": port}],
            "validation": {
                "hostname": self.context.host,
                "caCertificateRefs": [{"group": "", "kind": "Secret", "name": certificate_secret(component.name)}],
            },
        }
        needs = [f"{component.name}/Service/{process}", f"{component.name}/Certificate/internal"]
        return self._add(
            "BackendTLSPolicy", "main", "gateway.networking.k8s.io/v1", component.name, {"spec": spec}, needs
        ).name
