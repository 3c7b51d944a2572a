"""Take the pictures of the audit's pages for the docs: python tests/browser/pictures.py

They are of the examples, with one planted violation where a finding is shown, in Dutch; needs Chromium on the machine.
"""

from __future__ import annotations

import datetime as dt
import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from ggi.cli.main import main
from ggi.paths import ROOT

FOLDER = ROOT / "docs" / "pictures"
DATE = dt.date(2026, 11, 22).isoformat()
COLORS = 96
"""Of a picture: enough for a page of text, and a third of the bytes."""
PLANTED = ("gm9902", "components:\n", "components:\n  postgresql: {instances: 1}\n")


def _pages(folder: Path) -> dict[str, Path]:
    """The pages by what they show."""
    inventory = folder / "inventories"
    shutil.copytree(ROOT / "inventories", inventory)
    tenant, old, new = PLANTED
    path = inventory / "tenants" / f"{tenant}.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    words = ["--inventory", str(inventory), "--lang", "nl", "audit", "--format", "html", "--date", DATE]
    stacks = [f"{path.stem}-prod" for path in sorted((inventory / "tenants").glob("*.yaml")) if path.stem != "gm9908"]
    for names, name in (([tenant], tenant), (["gm9901"], "gm9901"), (stacks, "fleet")):
        # 1 says that something deviates, which is what the picture is about.
        if main([*words, *names, "--out", str(folder / name)]) > 1:
            sys.exit(f"no page of {name}")
    return {name: next((folder / name).iterdir()) for name in (tenant, "gm9901", "fleet")}


def _take(
    browser: Browser, page: Path, name: str, *, at: str = "", whole: str = "", dark: bool = False, phone: bool = False
) -> None:
    """One picture: of the window scrolled to `at`, or of one element as a `whole`, made smaller."""
    size = {"width": 390, "height": 760} if phone else {"width": 1180, "height": 820}
    context = browser.new_context(viewport=size, color_scheme="dark" if dark else "light", reduced_motion="reduce")  # type: ignore[arg-type]
    context.set_default_timeout(120_000)
    shown = context.new_page()
    shown.goto(page.as_uri())
    if at:
        shown.locator(at).first.evaluate("(one) => one.scrollIntoView({block: 'start'})")
        shown.evaluate("scrollBy(0, -24)")
    taken = shown.locator(whole).screenshot() if whole else shown.screenshot()
    picture = Image.open(io.BytesIO(taken))
    if whole:
        picture = picture.resize((picture.width * 3 // 4, picture.height * 3 // 4), Image.Resampling.LANCZOS)
    path = FOLDER / f"audit-{name}.png"
    picture.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE).save(path, optimize=True)
    context.close()
    print(f"{path.relative_to(ROOT)}  {path.stat().st_size // 1024} kB")  # noqa: T201


def take() -> None:
    """Take all pictures."""
    found = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
    if found is None:
        sys.exit("no Chromium on this machine (Debian: apt install chromium)")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        pages = _pages(Path(folder))
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        _take(browser, pages["gm9901"], "gm9901")
        _take(browser, pages["gm9902"], "finding", at="#attention")
        _take(browser, pages["gm9902"], "landscape", whole="svg.landscape")
        _take(browser, pages["fleet"], "fleet", at="#heat")
        _take(browser, pages["gm9902"], "phone", dark=True, phone=True)
        browser.close()


if __name__ == "__main__":
    take()
