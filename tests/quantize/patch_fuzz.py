"""Random stages in patches, and the plans of them replayed byte by byte.

``python -m tests.quantize.patch_fuzz --networks 1000`` runs it for long, every network with every
kernel variant; ``test_grid.py`` tries a few networks, each with one variant.
"""

import argparse
from collections import Counter

from edgebottle.ir.graph import Graph
from edgebottle.ops.base import Isa
from edgebottle.plan.planner import make_plan
from quantize.patch.grid import patch_grid
from tests.plan.test_plan import check_plan
from tests.quantize.stages import random_grid, random_stage


def patches(seed: int) -> tuple[Graph, Counter[str]]:
    """A random network in patches, and what it has: operators, rows and columns of patches."""
    graph, names = random_stage(seed, largest=12)
    rows, columns = random_grid(graph, names, seed)
    has = Counter({node.OP for node in graph.nodes})
    has["rows"], has["columns"] = rows > 1, columns > 1
    return patch_grid(graph, names, rows, columns), has


def main() -> None:
    """Tries many networks with every kernel variant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    covered: Counter[str] = Counter()
    for seed in range(options.first, options.first + options.networks):
        graph, has = patches(seed)
        for isa in Isa:
            check_plan(graph, make_plan(graph, isa))
        covered += has
        print(seed, dict(covered), flush=True)


if __name__ == "__main__":
    main()
