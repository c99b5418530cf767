"""Writes what a detector's library has besides: boxes from outputs, with the tables for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from edgebottle import __version__
from edgebottle.codegen.code_size import Bounds
from edgebottle.codegen.naming import c_values, comment, short_comment
from edgebottle.codegen.project import Project, remade
from edgebottle.detection.boxes import (
    CODES,
    SUBPIXELS,
    BoxDecoder,
    MapTables,
    least_score,
    most_overlap,
)
from edgebottle.detection.description import BoxDescription, BoxMap
from edgebottle.errors import DoesNotFit
from edgebottle.ir.graph import Graph

BOX_BYTES = 12
"""Of a box in C."""

MAX_CODE = 2560
"""Bytes of flash of what makes boxes and prints them, at most, with either compiler."""

MAP_BYTES = 40
"""Of what C has of a map beside its tables."""

BENCH_STACK = 768
"""Bytes of stack that the bench application has for everything beside its boxes."""

_BINDING = "src/boxes_binding.h"


def box_flash(description: BoxDescription | None) -> Bounds:
    """Bytes of flash that the boxes of a network take; none where it makes none."""
    if description is None:
        return Bounds(0, 0)
    anchors = sum(len(one.anchors.anchors) for one in description.maps)
    names = sum(len(_ascii(name)) + 1 for name in description.labels)
    tables = len(description.maps) * CODES * (4 + 2) + 8 * anchors + names
    return Bounds(tables, tables + MAX_CODE + len(description.maps) * MAP_BYTES)


def with_boxes(project: Project, description: BoxDescription | None, graph: Graph) -> Project:
    """A project whose library makes boxes, and whose bench application prints them.

    Args:
        project: Of the network.
        description: Of its outputs; None for a network that makes none, whose project is as it was.
        graph: The network, int8.

    Raises:
        BadModel: the network has other outputs.
        DoesNotFit: the stack of the board is too small for so many candidates.
    """
    if description is None:
        return project
    board, needed = project.board, BOX_BYTES * description.rules.candidates + BENCH_STACK
    if not (board.is_computer or board.is_core) and needed > board.stack_size:
        most = (board.stack_size - BENCH_STACK) // BOX_BYTES
        raise DoesNotFit(
            f"{description.rules.candidates} candidates for boxes need {needed:,} bytes of stack, "
            f"{board.id} has {board.stack_size:,}: describe the network's boxes with at most {most}"
        )
    files = {
        f"lib/eb_{project.model}/{name}": text.encode()
        for name, text in box_files(project.model, BoxDecoder(description, graph)).items()
    }
    files[_BINDING] = _binding(project.model).encode()
    return remade(replace(project, files={**project.files, **files}))


def box_files(model: str, decoder: BoxDecoder) -> dict[str, str]:
    """Header and source that make boxes.

    Args:
        model: Its name.
        decoder: The same in NumPy, with the tables.
    """
    description = decoder.description
    return {
        f"eb_{model}_boxes.h": _header(model, description),
        f"eb_{model}_boxes.c": _source(model, decoder),
    }


def _header(model: str, description: BoxDescription) -> str:
    upper, rules = model.upper(), description.rules
    labels = ", ".join(f"{number} {name}" for number, name in enumerate(description.labels))
    about = comment(
        f"Call eb_{model}_boxes() behind a run. It writes the boxes to `found`, the best first, "
        f"each with a score of at least {rules.least_score:g}, and answers how many. Its memory is "
        f"`found`: the candidates are collected there, so that it must have room for all of them, "
        f"EB_{upper}_BOXES; with less `capacity` fewer are compared. Coordinates are sixteenths of "
        f"a pixel, scores 65535ths. Labels: {labels}."
    )
    return f"""{_banner(f"Boxes of the network {model}")}#ifndef EB_{upper}_BOXES_HEADER
#define EB_{upper}_BOXES_HEADER

#include "eb_boxes.h"

#define EB_{upper}_BOXES {rules.candidates}

#ifdef __cplusplus
extern "C" {{
#endif

/*{about.removeprefix(" *")}
 */
int32_t eb_{model}_boxes(eb_box *found, int32_t capacity);

/* The name of a label; NULL where there is none. */
const char *eb_{model}_label(int32_t label);

#ifdef __cplusplus
}}
#endif

#endif
"""


def _source(model: str, decoder: BoxDecoder) -> str:
    description = decoder.description
    rules, (height, width) = description.rules, description.image
    names = ",\n".join(f"    {_string(name)}" for name in description.labels)
    tables = "\n".join(
        line for number, one in enumerate(decoder.tables) for line in _tables(number, one)
    )
    maps = "\n".join(
        _map(number, one, tables)
        for number, (one, tables) in enumerate(zip(description.maps, decoder.tables, strict=True))
    )
    return f"""{_banner(f"Boxes of the network {model}")}#include "eb_{model}_boxes.h"

#include "eb_{model}_model.h"

static const char *const labels[] = {{
{names},
}};

{tables}
static const eb_box_map maps[] = {{
{maps}
}};

static const eb_box_rules rules = {{
    {height * SUBPIXELS}, /* height */
    {width * SUBPIXELS}, /* width */
    {len(description.labels)}, /* labels */
    {least_score(rules)}, /* least_score */
    {most_overlap(rules)}u, /* most_overlap */
}};

int32_t eb_{model}_boxes(eb_box *found, int32_t capacity)
{{
    eb_box_list list = {{found, capacity, 0}};
    for (int32_t i = 0; i < {len(description.maps)} && capacity > 0; ++i) {{
        const eb_tensor boxes = eb_{model}_output(maps[i].boxes);
        const eb_tensor scores = eb_{model}_output(maps[i].scores);
        eb_boxes_collect(&rules, maps + i, &boxes, &scores, &list);
    }}
    return eb_boxes_suppress(&rules, &list);
}}

const char *eb_{model}_label(int32_t label)
{{
    return label < 0 || label >= {len(description.labels)} ? 0 : labels[label];
}}
"""


def _tables(number: int, tables: MapTables) -> Iterator[str]:
    """The arrays of a map."""
    sizes = ", ".join(f"{{{height}, {width}}}" for height, width in tables.sizes.tolist())
    yield f"static const eb_box_size sizes_{number}[] = {{{sizes}}};"
    for name, c_type, values in (
        ("growth", "int32_t", tables.growth),
        ("probabilities", "uint16_t", tables.scores.astype(np.uint16)),
    ):
        yield f"static const {c_type} {name}_{number}[{len(values)}] = {{\n{c_values(values)}\n}};"
    yield ""


def _map(number: int, one: BoxMap, tables: MapTables) -> str:
    fields = {
        "boxes": one.boxes,
        "scores": one.scores,
        "stride": tables.stride,
        "anchors": len(tables.sizes),
        "sizes": f"sizes_{number}",
        "zero_point": tables.zero_point,
        "centre": tables.centre,
        "growth": f"growth_{number}",
        "probabilities": f"probabilities_{number}",
    }
    lines = "\n".join(f"        {value}, /* {name} */" for name, value in fields.items())
    return f"    {{\n{lines}\n    }},"


def _string(text: str) -> str:
    """A C literal of a text: whatever is no letter, digit or space goes by its octal number."""
    plain = (
        chr(one) if chr(one).isalnum() or one == 32 else f"\\{one:03o}" for one in _ascii(text)
    )
    return f'"{"".join(plain)}"'


def _ascii(text: str) -> bytes:
    return text.encode("ascii", errors="replace")


def _binding(model: str) -> str:
    return f"""/* Binds the bench application to its boxes. Written by edgebottle {__version__}. */
#ifndef BOXES_BINDING_H
#define BOXES_BINDING_H

#include "eb_{model}_boxes.h"

#define EB_BENCH_CANDIDATES EB_{model.upper()}_BOXES

#endif
"""


def _banner(what: str) -> str:
    return (
        short_comment(f"{what}. Generated by edgebottle {__version__}: changes here are lost.")
        + "\n"
    )
