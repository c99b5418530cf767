"""Small networks trained by this project, each with the recipe that trained it.

``training.train`` runs a recipe; it is not imported here, so that looking up a file stays quick.
"""

from edgebottle.zoo.registry import (
    DEFAULT,
    NETWORKS,
    Spread,
    ZooNetwork,
    find,
    load,
    load_samples,
)

__all__ = ["DEFAULT", "NETWORKS", "Spread", "ZooNetwork", "find", "load", "load_samples"]
