"""render, diagram: a landscape as files and as a picture."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ggi.cli.app import app
from ggi.cli.hostsplace import is_network, place_of
from ggi.cli.options import Json, Name
from ggi.cli.output import note, say, say_json
from ggi.messages import t


class Format(StrEnum):
    """How a landscape is drawn."""

    SVG = "svg"
    MERMAID = "mermaid"


@app.command()
def render(
    name: Name,
    out: Annotated[Path, typer.Option("--out", help="Folder; its subfolder kubernetes gets the manifests.")],
    json_output: Json = False,
) -> None:
    """Write a landscape as Kubernetes manifests, with its relations and network flows as tables. No secret is written.

    Example: ggi render gm9901-prod --out rendered/
    """
    from ggi.cli.workspace import Workspace
    from ggi.report.render import render as write

    if is_network(name):
        from ggi.hosts.pages import write as write_hosts

        place = place_of(name, sandbox=False)
        pages = write_hosts(place.hosts, place.file, out / "hosts")
        if json_output:
            say_json({"stack": place.stack, "hosts": len(place.hosts.host), "files": [str(path) for path in pages]})
            return
        for path in pages:
            say(f"  {path}")
        say(t("{hosts} hosts in {files} files", hosts=len(place.hosts.host), files=len(pages)))
        return
    built = Workspace().landscape(name)
    files = write(built, out)
    if json_output:
        say_json({"stack": built.stack, "objects": len(built.objects), "files": [str(path) for path in files]})
        return
    for path in files:
        say(f"  {path}")
    say(t("{objects} objects in {files} files", objects=len(built.objects), files=len(files)))


@app.command()
def diagram(
    name: Name,
    out: Annotated[Path | None, typer.Option("--out", help="File; default: standard output.")] = None,
    form: Annotated[
        Format | None, typer.Option("--format", help="Default: mermaid for .mmd and .md files, else svg.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Draw a landscape: components by layer, their relations, and the edges of the cluster.

    Example: ggi diagram gm9901-prod --out landscape.svg
    """
    from ggi.cli.workspace import Workspace

    built = Workspace().landscape(name)
    by_name = Format.MERMAID if out is not None and out.suffix in (".mmd", ".md") else Format.SVG
    chosen = form or by_name
    if chosen is Format.SVG:
        from ggi.report.svg import svg as draw
    else:
        from ggi.report.mermaid import mermaid as draw
    text = draw(built)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8", newline="\n")
    if json_output:
        where = {"file": str(out)} if out is not None else {"text": text}
        say_json({"stack": built.stack, "format": chosen.value, **where})
    elif out is None:
        say(text.rstrip("\n"))
    else:
        note(t("drawn: {path}", path=out))
