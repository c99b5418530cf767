"""RAM and flash of a compiled image."""

from __future__ import annotations

from pathlib import Path

from edgebottle.build.sizes import firmware_sizes, plain_sizes
from edgebottle.codegen.project import Project
from edgebottle.operating_system import executables_are_elf
from edgebottle.plan.plan import Plan
from hil.records import Flash, Ram


def image_memory(elf: Path, plan: Plan, project: Project) -> tuple[Ram, Flash]:
    """What an image takes, and for what.

    Args:
        elf: The image.
        plan: Of its network.
        project: That it was compiled of.
    """
    if project.board.is_host and not executables_are_elf():
        sizes = plain_sizes(elf, project.source.weight_bytes)
        return Ram(plan.arena_bytes, 0, 0), Flash(sizes.weights, sizes.code)
    sizes = firmware_sizes(elf, tuple(project.source.constants))
    # The arena's section holds its canaries as well, which are not the model's.
    canaries = sizes.arena - plan.arena_bytes if sizes.arena else 0
    arena_in_static = 0 if sizes.arena else plan.arena_bytes
    static = sizes.static + canaries - arena_in_static
    return Ram(plan.arena_bytes, sizes.stack, static), Flash(sizes.weights, sizes.code)
