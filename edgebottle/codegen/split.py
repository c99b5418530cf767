"""Writes what the library of a split network's head has besides: frames of its bottleneck."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from edgebottle import __version__
from edgebottle.codegen.boxes import BENCH_STACK
from edgebottle.codegen.code_size import Bounds
from edgebottle.codegen.naming import c_values, comment, short_comment
from edgebottle.codegen.project import Project, remade
from edgebottle.errors import DoesNotFit
from edgebottle.split.head import EarlyExit, SplitHead

MAX_CODE = 2560
"""Bytes of flash of what makes frames and prints them, at most, with either compiler."""

FIXED = 40 + 64 + 4
"""Bytes of a code beside its tables, of the checksum's table, and of the network's id."""

_BINDING = "src/split_binding.h"


def split_flash(head: SplitHead | None) -> Bounds:
    """Bytes of flash that the frames of a head take; none where a network is none."""
    if head is None:
        return Bounds(0, 0)
    code = head.split.code
    starts = 2 * code.channels * (code.levels + 1) * (code.levels - 1)
    tables = starts + 4 * code.rates + FIXED
    return Bounds(tables, tables + MAX_CODE)


def with_split(project: Project, head: SplitHead | None, row_fed: bool) -> Project:
    """A project whose library makes frames, and whose bench application prints them.

    Args:
        project: Of the network.
        head: What its outputs are; None for a network that is no head, whose project is as it was.
        row_fed: Its input is handed over row by row.

    Raises:
        DoesNotFit: the stack of the board is too small for a frame in the bench application.
    """
    if head is None:
        return project
    board, room = project.board, head.frame_bytes(head.split.code.rates)
    if not (board.is_computer or board.is_core) and room + BENCH_STACK > board.stack_size:
        raise DoesNotFit(
            f"a frame of {room:,} bytes needs {room + BENCH_STACK:,} bytes of stack, {board.id} "
            f"has {board.stack_size:,}: train a smaller bottleneck"
        )
    files = {
        f"lib/eb_{project.model}/{name}": text.encode()
        for name, text in split_files(project.model, head, row_fed).items()
    }
    files[_BINDING] = _binding(project.model, head).encode()
    return remade(replace(project, files={**project.files, **files}))


def split_files(model: str, head: SplitHead, row_fed: bool) -> dict[str, str]:
    """Header and source that make frames.

    Args:
        model: Its name.
        head: What its outputs are.
        row_fed: Its input is handed over row by row.
    """
    return {
        f"eb_{model}_split.h": _header(model, head),
        f"eb_{model}_split.c": _source(model, head, row_fed),
    }


def _header(model: str, head: SplitHead) -> str:
    upper, code = model.upper(), head.split.code
    about = comment(
        f"Call eb_{model}_frame() behind a run. It writes to `frame` what the server is to be sent "
        f"of the bottleneck, and answers how many bytes; where it cannot, a negative "
        f"eb_split_error. Rate 1 .. EB_{upper}_RATES is how many groups of channels are sent: "
        f"{', '.join(map(str, code.groups))}. `request` is a number that the reply repeats.",
        "",
        f"eb_{model}_frame_bytes() is the `capacity` that a rate needs, its longest frame: at most "
        f"EB_{upper}_FRAME_BYTES. For no rate it is EB_SPLIT_BAD_RATE.",
    )
    reply = comment(
        "Reads what the server answers to a request: EB_SPLIT_OK for a result, whose values "
        "eb_split_value() gives, or for a refusal, whose flags say why; else what is wrong with "
        "it. `reply` refers to `data`, and means nothing where something is wrong."
    )
    return f"""{_banner(model)}#ifndef EB_{upper}_SPLIT_HEADER
#define EB_{upper}_SPLIT_HEADER

#include "eb_split.h"

#define EB_{upper}_RATES {code.rates}
#define EB_{upper}_FRAME_BYTES {head.frame_bytes(code.rates)}

#ifdef __cplusplus
extern "C" {{
#endif

/*{about.removeprefix(" *")}
 */
int32_t eb_{model}_frame(uint32_t request, int32_t rate, uint8_t *frame, int32_t capacity);
int32_t eb_{model}_frame_bytes(int32_t rate);

/*{reply.removeprefix(" *")}
 */
eb_split_error eb_{model}_reply(const uint8_t *data,
                                int32_t size,
                                uint32_t request,
                                eb_split_message *reply);
{_exit_header(model, head)}
#ifdef __cplusplus
}}
#endif

#endif
"""


def _exit_header(model: str, head: SplitHead) -> str:
    if head.exit is None:
        return ""
    about = short_comment(
        f"Behind a run: the class that the early exit answers, 0 .. {head.exit.classes - 1}, if it "
        f"is sure enough (a probability of at least {head.split.threshold:g}), so that no frame "
        "need be sent; else -1."
    )
    return f"\n{about}\nint32_t eb_{model}_exit_class(void);\n"


def _source(model: str, head: SplitHead, row_fed: bool) -> str:
    model_bytes = ", ".join(f"0x{byte:02x}" for byte in head.split.model)
    return f"""{_banner(model)}#include "eb_{model}_split.h"

#include "eb_split_code.h"
#include "eb_{model}_model.h"

static const uint8_t model[EB_SPLIT_MODEL_BYTES] = {{{model_bytes}}};

{chr(10).join(_tables(head))}
int32_t eb_{model}_frame(uint32_t request, int32_t rate, uint8_t *frame, int32_t capacity)
{{
{_ready(model) if row_fed else ""}\
    const eb_tensor bottleneck = eb_{model}_output({head.output});
    return eb_split_write_features(&code, &bottleneck, model, request, rate, frame, capacity);
}}

int32_t eb_{model}_frame_bytes(int32_t rate)
{{
    return eb_split_is_rate(&code, rate)
               ? EB_SPLIT_HEADER_BYTES + eb_split_packed_bytes(&code, rate)
               : EB_SPLIT_BAD_RATE;
}}

eb_split_error eb_{model}_reply(const uint8_t *data,
                                int32_t size,
                                uint32_t request,
                                eb_split_message *reply)
{{
    return eb_split_read_answer(data, size, model, request, reply);
}}
{_exit_source(model, head.exit) if head.exit else ""}"""


def _ready(model: str) -> str:
    return f"""\
    if (eb_{model}_rows_missing() > 0) {{
        return EB_SPLIT_NOT_READY;
    }}
"""


def _tables(head: SplitHead) -> Iterator[str]:
    """The code: its arrays, and what refers to them."""
    split, code = head.split, head.split.code
    starts = np.array(code.starts, np.uint16)[:, :, 1:-1]
    channels_at = np.array([code.channels_at(rate + 1) for rate in range(code.rates)], np.int32)
    for name, c_type, values in (
        ("channels_at", "int32_t", channels_at),
        ("starts", "uint16_t", starts),
    ):
        yield f"static const {c_type} {name}[{values.size}] = {{\n{c_values(values)}\n}};\n"
    fields = {
        "height": code.height,
        "width": code.width,
        "channels": code.channels,
        "bits": code.bits,
        "lowest": split.lowest,
        "step": split.step,
        "absent": split.absent,
        "rates": code.rates,
        "channels_at": "channels_at",
        "starts": "starts",
    }
    yield "static const eb_split_code code = {"
    for name, value in fields.items():
        yield f"    {value}," + (f" /* {name} */" if name != value else "")
    yield "};\n"


def _exit_source(model: str, early: EarlyExit) -> str:
    return f"""
int32_t eb_{model}_exit_class(void)
{{
    const int8_t *stored = eb_{model}_output({early.output}).data;
    int32_t best = 0;
    for (int32_t i = 1; i < {early.classes}; ++i) {{
        best = stored[i] > stored[best] ? i : best;
    }}
    return stored[best] >= {early.least} ? best : -1;
}}
"""


def _binding(model: str, head: SplitHead) -> str:
    return f"""/* Binds the bench application to its frames. Written by edgebottle {__version__}. */
#ifndef SPLIT_BINDING_H
#define SPLIT_BINDING_H

#include "eb_{model}_split.h"

#define EB_BENCH_SPLIT_ROOM EB_{model.upper()}_FRAME_BYTES
#define EB_BENCH_SPLIT_HIGHEST EB_{model.upper()}_RATES
#define EB_BENCH_SPLIT_EXIT {int(head.exit is not None)}

#endif
"""


def _banner(model: str) -> str:
    text = f"Frames of the head {model}. Generated by edgebottle {__version__}"
    return short_comment(f"{text}: changes here are lost.") + "\n"
