"""How large: from the number of inhabitants to requests per second, and from there to pods.

Source: Open Zaak documentation, "Hardware": 10,000 / 50,000 / 100,000 / 500,000 / 1,000,000 inhabitants are about
15 / 30 / 60 / 120 / 235 requests per second; 25 requests per second take about 4 CPU and 8 GB.
"""

from __future__ import annotations

from itertools import pairwise
from math import ceil

TABLE = ((10_000, 15.0), (50_000, 30.0), (100_000, 60.0), (500_000, 120.0), (1_000_000, 235.0))
REQUESTS_PER_POD = 25.0
"""What one web pod of a component serves; Open Zaak's figure for its smallest set-up."""


def requests_per_second(inhabitants: int) -> float:
    """Expected requests per second at busy times, interpolated in the table; linear beyond its ends."""
    if inhabitants <= TABLE[0][0]:
        return TABLE[0][1]
    for (low, few), (high, many) in pairwise(TABLE):
        if inhabitants <= high:
            return few + (many - few) * (inhabitants - low) / (high - low)
    return TABLE[-1][1] * inhabitants / TABLE[-1][0]


def web_pods(inhabitants: int) -> int:
    """Pods of a process that serves requests: at least two, so that a node can be emptied."""
    return max(2, ceil(requests_per_second(inhabitants) / REQUESTS_PER_POD))
