"""Stand-in for `pulumi-language-python`: runs Python programs and policy packs for the Pulumi engine.

`python -m sandbox.plugins.language_host [--version] ENGINE_ADDRESS`. Written against the gRPC contract
(`LanguageRuntime`), with the behaviour of the official one where the engine or a user can see it.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ggi.errors import GgiError
from sandbox.plugins import protocol

protocol.load()

import grpc  # noqa: E402 - after the empty packages are in place
from google.protobuf import empty_pb2, json_format  # noqa: E402
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2  # noqa: E402

from sandbox.plugins.children import Children  # noqa: E402
from sandbox.plugins.python_environment import PythonEnvironment  # noqa: E402
from sandbox.plugins.server import decline_the_rest, engine_address, serve  # noqa: E402

PROGRAM = Path(__file__).with_name("program.py")
SHOWN = 32
"""The program's exit code when the user has already seen what is wrong."""
Part = tuple[str, bytes]
"""The name of a standard stream and what came on it."""


def sdk_version() -> str:
    """Return the version of the installed SDK: the language host is released together with it."""
    return importlib.metadata.version("pulumi")


def _options(info: Any) -> dict[str, Any]:
    return dict(json_format.MessageToDict(info.options))


@decline_the_rest
class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """The engine's view of Python."""

    def __init__(self, engine: str, children: Children) -> None:
        self.engine = engine
        self.children = children

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802 - the names are gRPC's
        self.engine = request.engine_address or self.engine
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        return plugin_pb2.PluginInfo(version=sdk_version())

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.children.stop_all()
        return empty_pb2.Empty()

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:  # noqa: N802
        packages = self._environment(request.info, context).pulumi_packages()
        found = [
            plugin_pb2.PackageDependency(name=p.name, kind="resource", version=p.version, server=p.server)
            for p in packages
        ]
        return language_pb2.GetRequiredPackagesResponse(packages=found)

    def GetRequiredPlugins(self, request: Any, context: Any) -> Any:  # noqa: N802
        packages = self._environment(request.info, context).pulumi_packages()
        found = [
            plugin_pb2.PluginDependency(name=p.name, kind="resource", version=p.version, server=p.server)
            for p in packages
        ]
        return language_pb2.GetRequiredPluginsResponse(plugins=found)

    def About(self, request: Any, context: Any) -> Any:  # noqa: N802
        environment = self._environment(request.info, context)
        version = subprocess.run(
            [environment.python, "-c", "import platform; print(platform.python_version())"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout.strip()
        metadata = {"toolchain": "Pip", "stand-in": "ggi sandbox"}
        return language_pb2.AboutResponse(executable=str(environment.python), version=version, metadata=metadata)

    def GetProgramDependencies(self, request: Any, context: Any) -> Any:  # noqa: N802
        packages = self._environment(request.info, context).packages()
        found = [language_pb2.DependencyInfo(name=name, version=version) for name, version in packages.items()]
        return language_pb2.GetProgramDependenciesResponse(dependencies=found)

    def RuntimeOptionsPrompts(self, request: Any, context: Any) -> Any:  # noqa: N802
        return language_pb2.RuntimeOptionsResponse()

    def Template(self, request: Any, context: Any) -> Any:  # noqa: N802
        return language_pb2.TemplateResponse()

    def InstallDependencies(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        environment = self._environment(request.info, context, must_exist=False)
        folder = Path(request.info.program_directory)
        if environment.virtualenv is not None and not environment.python.exists():
            yield from self._install([sys.executable, "-m", "venv", str(environment.virtualenv)], folder, context)
        if (folder / "requirements.txt").exists():
            command = [str(environment.python), "-m", "pip", "install", "-r", "requirements.txt"]
            yield from self._install(command, folder, context)

    def Run(self, request: Any, context: Any) -> Any:  # noqa: N802
        environment = self._environment(request.info, context)
        settings = {
            "monitor": request.monitor_address,
            "engine": self.engine,
            "project": request.project,
            "stack": request.stack,
            "parallel": request.parallel,
            "dry_run": request.dryRun,
            "organization": request.organization,
            "root_directory": request.info.root_directory,
            "pwd": request.pwd,
        }
        env = environment.variables()
        env["PULUMI_CONFIG"] = json.dumps(dict(request.config))
        env["PULUMI_CONFIG_SECRET_KEYS"] = json.dumps(list(request.configSecretKeys))
        entry_point = request.info.entry_point or "."
        # -u: what the program prints reaches the engine even when the program is killed.
        command = [str(environment.python), "-u", str(PROGRAM), json.dumps(settings), entry_point, *request.args]
        child = self.children.start(command, env=env, stdin=subprocess.DEVNULL)
        context.add_callback(lambda: self.children.stop(child))
        code = self.children.wait(child)
        if code == SHOWN:
            return language_pb2.RunResponse(bail=True)
        if code < 0:
            return language_pb2.RunResponse(error=f"program was ended by {signal.Signals(-code).name}")
        error = f"program exited with non-zero exit code: {code}" if code else ""
        return language_pb2.RunResponse(error=error)

    def RunPlugin(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        environment = self._environment(request.info, context)
        folder = request.info.program_directory
        env = environment.variables()
        env.update(entry.split("=", 1) for entry in request.env if "=" in entry)
        if environment.virtualenv is not None:
            env["PATH"] = environment.variables()["PATH"]
        python = str(environment.python)
        if request.kind == "analyzer":
            # A policy pack runs in its own folder, through the SDK's entry point for packs.
            command, cwd = [python, "-u", "-m", "pulumi.policy", *request.args, folder], folder
        else:
            command, cwd = [python, "-u", folder, *request.args], request.pwd or folder
        for part, code in self._stream(command, context, env=env, cwd=cwd):
            if part is not None:
                stream, data = part
                yield (
                    language_pb2.RunPluginResponse(stdout=data)
                    if stream == "stdout"
                    else language_pb2.RunPluginResponse(stderr=data)
                )
            else:
                yield language_pb2.RunPluginResponse(exitcode=code)

    def _environment(self, info: Any, context: Any, *, must_exist: bool = True) -> PythonEnvironment:
        try:
            return PythonEnvironment.resolve(info.root_directory, _options(info), must_exist=must_exist)
        except GgiError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
            raise

    def _install(self, command: list[str], folder: Path, context: Any) -> Iterator[Any]:
        for part, code in self._stream(command, context, cwd=folder):
            if part is not None:
                stream, data = part
                yield language_pb2.InstallDependenciesResponse(**{stream: data})
            elif code:
                context.abort(grpc.StatusCode.UNKNOWN, f"{' '.join(command)} ended with exit code {code}")

    def _stream(
        self, command: list[str], context: Any, **settings: Any
    ) -> Iterator[tuple[tuple[str, bytes] | None, int]]:
        """Yield ((stream, bytes), 0) while `command` writes, and (None, exit code) at its end."""
        child = self.children.start(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **settings
        )
        context.add_callback(lambda: self.children.stop(child))
        parts: queue.SimpleQueue[Part | None] = queue.SimpleQueue()

        def pump(name: str, source: Any) -> None:
            while data := os.read(source.fileno(), 65536):
                parts.put((name, data))
            parts.put(None)

        for name, source in (("stdout", child.stdout), ("stderr", child.stderr)):
            threading.Thread(target=pump, args=(name, source), daemon=True).start()
        open_streams = 2
        while open_streams:
            part = parts.get()
            if part is None:
                open_streams -= 1
            else:
                yield part, 0
        yield None, self.children.wait(child)


def main() -> None:
    """Serve, or print the version."""
    if "--version" in sys.argv[1:] or "-version" in sys.argv[1:]:
        sys.stdout.write(f"v{sdk_version()}\n")
        return
    children = Children()
    host = LanguageHost(engine_address(sys.argv[1:]), children)
    serve(
        lambda server: language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server),
        children.stop_all,
        threads=16,
    )


if __name__ == "__main__":
    main()
