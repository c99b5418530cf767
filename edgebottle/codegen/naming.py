"""C identifiers from model and layer names, and C text from Python values."""

import re
import textwrap

import numpy as np

from edgebottle.ir.graph import Array

_KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        "auto break case char const continue default do double else enum extern float for goto if "
        "inline int long register restrict return short signed sizeof static struct switch "
        "typedef union unsigned void volatile while",
    )
)

_C_TYPES = {
    np.dtype(np.int8): "int8_t",
    np.dtype(np.uint8): "uint8_t",
    np.dtype(np.int16): "int16_t",
    np.dtype(np.uint16): "uint16_t",
    np.dtype(np.int32): "int32_t",
    np.dtype(np.uint32): "uint32_t",
    np.dtype(np.int64): "int64_t",
    np.dtype(np.float32): "float",
    np.dtype(np.bool_): "uint8_t",
}


def identifier(text: str) -> str:
    """The nearest C identifier to ``text``: lower case, never empty, never a keyword."""
    name = re.sub(r"_+", "_", re.sub(r"[^A-Za-z0-9]", "_", text)).strip("_").lower() or "model"
    return f"m_{name}" if name[0].isdigit() or name in _KEYWORDS else name


def comment(*paragraphs: str) -> str:
    """The lines of a block comment between its delimiters, wrapped: `` * text``."""
    lines: list[str] = []
    for paragraph in paragraphs:
        text = paragraph.replace("*/", "* /")
        lines += [f" * {line}" for line in textwrap.wrap(text, 96)] if text else [" *"]
    return "\n".join(lines)


def c_type(values: Array) -> str:
    """The C element type of a NumPy array."""
    return _C_TYPES[values.dtype]


def c_number(value: int | float) -> str:
    """A C literal of exactly this value."""
    if isinstance(value, float | np.floating):
        number = float(value)
        if np.isinf(number):
            return "-3.402823466e+38f" if number < 0 else "3.402823466e+38f"
        return f"{float(np.float32(number)).hex()}f" if number else "0.0f"
    if value == -(2**31):
        return "INT32_MIN"
    if value == -(2**63):
        return "INT64_MIN"
    return str(int(value))


def c_values(values: Array, indent: str = "    ", width: int = 100) -> str:
    """The elements of ``values``, comma-separated and wrapped."""
    lines, line = [], indent
    for value in values.ravel().tolist():
        item = c_number(value) + ","
        if len(line) + len(item) + 1 > width and line.strip():
            lines.append(line.rstrip())
            line = indent
        line += item + " "
    lines.append(line.rstrip())
    return "\n".join(lines)
