"""C identifiers from model and layer names, and C text from Python values.

What a user names and what is named here never meet. All of a model that another file can see is
called ``eb_<model>_<word>``, with a word of ``API_WORDS`` at its end, or ``eb_<model>__<name>``;
its macros ``EB_<MODEL>_<WORD>``; its files ``eb_<model>_model.*`` and ``eb_<model>_weights.*``.
What a detector has besides goes by ``BOX_API_WORDS`` and the like, what the head of a split
network has by ``SPLIT_API_WORDS``.
Nothing in ``firmware/`` ends in one of these words or has two underscores in a row.
"""

import hashlib
import re
import textwrap

import numpy as np

from edgebottle.ir.dtypes import FLOAT_LIMIT
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


API_WORDS = (
    *("init", "reset", "run", "input", "output", "input_count", "output_count", "feed_rows"),
    *("rows_missing", "step", "step_count", "step_written", "canary_ok", "arena_size"),
    *("init_in", "reset_in", "run_in", "input_in", "output_in", "feed_rows_in"),
    *("rows_missing_in", "step_in", "step_written_in", "canary_ok_in"),
    *("context", "use_pool", "use_pool_in"),
)
"""What the functions of a model's C API are called, behind ``eb_<model>_``."""

MACRO_WORDS = ("HEADER", "ARENA_BYTES", "STEPS", "INPUT_ROWS", "FEED_BYTES", "THREADS")
"""The same for macros, behind ``EB_<MODEL>_``."""

FILE_WORDS = ("model", "weights")
"""The same for files."""

BOX_API_WORDS, BOX_MACRO_WORDS, BOX_FILE_WORDS = (
    ("boxes", "label"),
    ("BOXES", "BOXES_HEADER"),
    ("boxes",),
)
"""What a detector has besides: functions, macros, files."""

SPLIT_API_WORDS, SPLIT_MACRO_WORDS, SPLIT_FILE_WORDS = (
    ("frame", "frame_bytes", "reply", "exit_class"),
    ("RATES", "FRAME_BYTES", "SPLIT_HEADER"),
    ("split",),
)
"""The same of the head of a split network."""

MAX_IDENTIFIER = 40
"""Characters of a C identifier in generated code."""

MAX_MODEL_NAME = 24
"""Characters of a model's name: with ``eb_`` and the longest of ``API_WORDS`` it fits."""

MAX_COLUMNS = 100
"""Of a line of generated code."""


def shortened(text: str, limit: int = MAX_IDENTIFIER) -> str:
    """``text`` itself, or its beginning and a hash of it all, of at most ``limit`` characters."""
    if len(text) <= limit:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:6]
    return f"{text[: limit - 7].rstrip('_')}_{digest}"


class Names:
    """C identifiers of one scope: none twice, none too long."""

    def __init__(self) -> None:
        """An empty scope."""
        self._taken: set[str] = set()

    def new(self, wanted: str) -> str:
        """Takes the name ``wanted``, or one like it where that is taken or too long."""
        name, count = shortened(wanted), 2
        while name in self._taken:
            name, count = shortened(f"{wanted}_{count}"), count + 1
        self._taken.add(name)
        return name


def identifier(text: str) -> str:
    """The nearest C identifier to ``text``: lower case, never empty, never a keyword."""
    name = re.sub(r"_+", "_", re.sub(r"[^A-Za-z0-9]", "_", text)).strip("_").lower() or "model"
    return f"m_{name}" if name[0].isdigit() or name in _KEYWORDS else name


def in_comment(text: str) -> str:
    """``text`` as a comment may hold it, neither ending the comment nor opening another."""
    return re.sub(r"\s+", " ", text).replace("*/", "* /").replace("/*", "/ *")


def comment(*paragraphs: str, hang: str = "") -> str:
    """The lines of a block comment between its delimiters, wrapped: `` * text``.

    Args:
        paragraphs: Texts, each of which begins a line; an empty one is an empty line.
        hang: Stands before all lines of a paragraph but its first.
    """
    lines: list[str] = []
    for paragraph in paragraphs:
        text = in_comment(paragraph)
        wrapped = textwrap.wrap(text, MAX_COLUMNS - 4, subsequent_indent=hang)
        lines += [f" * {line}" for line in wrapped or [""]]
    return "\n".join(line.rstrip() for line in lines)


def short_comment(text: str) -> str:
    """A comment of one line, or of as many as the text needs."""
    lines = comment(text).splitlines()
    if len(lines) == 1 and len(lines[0]) + 4 <= MAX_COLUMNS:
        return f"/*{lines[0][2:]} */"
    return "\n".join([f"/*{lines[0][2:]}", *lines[1:], " */"])


def folded(text: str) -> str:
    """``text``, C without comments or directives, its long lines continued after a comma."""
    lines = []
    for line in text.split("\n"):
        indent = " " * (len(line) - len(line.lstrip(" ")) + 4)
        while len(line) > MAX_COLUMNS:
            cut = line.rfind(", ", len(indent), MAX_COLUMNS) + 1
            cut = cut or line.rfind(" ", len(indent), MAX_COLUMNS + 1)
            if cut < 0:
                break
            lines.append(line[:cut])
            line = indent + line[cut + 1 :]
        lines.append(line)
    return "\n".join(lines)


def c_type(values: Array) -> str:
    """The C element type of a NumPy array."""
    return _C_TYPES[values.dtype]


def c_number(value: int | float) -> str:
    """A C literal of exactly this value."""
    if isinstance(value, float | np.floating):
        number = float(value)
        if abs(number) >= FLOAT_LIMIT:
            return "-3.402823466e+38f" if number < 0 else "3.402823466e+38f"
        return f"{float(np.float32(number)).hex()}f" if number else "0.0f"
    if value == -(2**31):
        return "INT32_MIN"
    if value == -(2**63):
        return "INT64_MIN"
    return str(int(value))


def c_values(values: Array, indent: str = "    ", width: int = MAX_COLUMNS) -> str:
    """The elements of ``values``, comma-separated and wrapped."""
    distinct, order = np.unique(values, return_inverse=True)
    texts = np.array([c_number(value) + "," for value in distinct.tolist()], dtype=object)
    items = texts[order.ravel()]
    ends = np.cumsum(np.array([len(text) + 1 for text in texts], np.int64)[order.ravel()])
    lines, first, start = [], 0, 0
    while first < len(items):
        last = int(np.searchsorted(ends, start + width - len(indent), side="right"))
        last = max(last, first + 1)
        lines.append(indent + " ".join(items[first:last]))
        first, start = last, int(ends[last - 1])
    return "\n".join(lines)
