"""The drawing of the landscape with its findings: a mark on each component that has any, and words beside it."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ggi.landscape.build import Landscape
from ggi.landscape.objects import PLATFORM
from ggi.messages import t
from ggi.report.audit.run import StackReport, Status, status, worst
from ggi.report.audit.words import SYMBOLS, status_word
from ggi.report.face import Word
from ggi.report.marks import escape, num, quoteattr, text
from ggi.report.picture import picture
from ggi.report.scene import scene
from ggi.report.style import sheet
from ggi.report.svg import paint

SCOPE = ".landscape"
MARKED = tuple(one for one in Status if one not in (Status.COMPLIES, Status.NOT_APPLICABLE))
"""What a mark counts."""
COLORS = {
    Status.REFUSED: ("#b3261e", "#ff9a8f"),
    Status.WARNED: ("#8a5300", "#f2b457"),
    Status.PLANNED: ("#6a3fb5", "#c3a6f5"),
    Status.KNOWN: ("#7d4e57", "#e0b0b9"),
    Status.UNKNOWN: ("#56616d", "#a9b5c1"),
    Status.WAIVED: ("#0b5a9c", "#86c1f5"),
    Status.COMPLIES: ("#1a7048", "#6fcf9d"),
    Status.NOT_APPLICABLE: ("#616a76", "#9fa9b4"),
}
"""Per status: on a light page, on a dark one. At least 4.5 to 1 as text on the page (WCAG AA)."""


@dataclass(frozen=True)
class DrawnPart:
    """One component, or the landscape as a whole, with its findings per status."""

    name: str
    title: str
    counts: Mapping[Status, int]

    @property
    def status(self) -> Status:
        """The worst."""
        return worst(one for one, number in self.counts.items() if number)

    @property
    def marked(self) -> list[tuple[Status, int]]:
        """What a reader should look at."""
        return [(one, self.counts[one]) for one in MARKED if self.counts[one]]


def parts(stack: StackReport, built: Landscape) -> list[DrawnPart]:
    """Findings per component in the order of the drawing; what is of no component comes last."""
    groups: dict[str, Counter[Status]] = {}
    for finding in stack.audit.findings:
        name = finding.subject.split("/")[0]
        groups.setdefault(name if name in built.components else PLATFORM, Counter())[status(finding)] += 1
    drawn = [(card.name, card.title) for card in picture(built).cards]
    rest = [(PLATFORM, t("The landscape as a whole"))]
    return [DrawnPart(name, title, groups[name]) for name, title in [*drawn, *rest] if name in groups]


def _mark(part: DrawnPart, x: float, y: float) -> str:
    """A pill at the upper right corner of a card; its words say it all to who can't see it."""
    told = ", ".join(f"{number} {status_word(one)}" for one, number in part.marked)
    symbol, count = SYMBOLS[part.status], str(sum(number for _, number in part.marked))
    width = 30 + 7 * len(count)
    left, label = x - width - 10, f"{part.title}: {told}"
    return (
        f'<a class="mark m-{part.status}" href="#controls" data-search={quoteattr(part.name)} '
        f"aria-label={quoteattr(label)}><title>{escape(label)}</title>"
        f'<rect x="{num(left)}" y="{num(y - 12)}" width="{num(width)}" height="24" rx="12"/>'
        + text(Word(left + width / 2, y + 4.5, f"{symbol} {count}", 13, "mk", bold=True), anchor="middle")
        + "</a>"
    )


def _mark_rules(dark: bool, paper: str) -> str:
    rules = [f".m-{one} rect{{fill:{COLORS[one][dark]};stroke:{paper}}}" for one in MARKED]
    return f".mk{{fill:{paper}}}" + "".join(rules)


def _style() -> str:
    marks = (
        ".mark rect{stroke-width:2}.mark:focus{outline:none}"
        ".mark:hover rect,.mark:focus rect{stroke:currentColor;stroke-width:3}"
    )
    dark = f"@media (prefers-color-scheme:dark){{{_mark_rules(True, '#10161d')}}}"
    return f"{sheet()}{marks}{_mark_rules(False, '#ffffff')}{dark}"


def style() -> str:
    """The drawing's style sheet, held within the drawing, so that nothing else on the page changes."""
    whole = _style()
    return re.sub(r"([^{}@]+)(?=\{)", lambda found: _scoped(found[1]), whole)


def _scoped(selectors: str) -> str:
    if selectors.startswith("media "):
        return selectors
    return ",".join(f"{SCOPE} {selector}" for selector in selectors.split(","))


def landscape(stack: StackReport, found: Sequence[DrawnPart]) -> str:
    """The drawing as SVG without a style sheet of its own, with a mark on every part that has something to see."""
    built = stack.audit.landscape
    if built is None:
        return ""
    marks = {part.name: part for part in found if part.marked}
    drawn = picture(built)
    over = [
        _mark(marks[card.name], box.x + box.width, box.y) for card, _, box in scene(drawn).cards if card.name in marks
    ]
    svg = re.sub(r"<style>.*?</style>", "", paint(drawn), flags=re.DOTALL)
    # An image has no parts for assistive technology; this one has links.
    svg = svg.replace('role="img"', 'role="group" class="landscape"', 1)
    return svg.replace("</svg>", "\n".join([*over, "</svg>"])).strip()


def picture_of(stack: StackReport, found: Sequence[DrawnPart]) -> str:
    """The same as an address with the picture in it (`data:`), for paper: light, with a style sheet of its own."""
    light = re.sub(r"@media \(prefers-color-scheme:dark\)\{(?:[^{}]*\{[^{}]*\})*\}", "", _style())
    # WeasyPrint reads one selector a rule.
    light = re.sub(r"([^{}]+)\{([^{}]*)\}", lambda m: "".join(f"{one}{{{m[2]}}}" for one in m[1].split(",")), light)
    svg = landscape(stack, found).replace("<desc", f"<style>{light}</style><desc", 1)
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode() if svg else ""
