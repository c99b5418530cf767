"""How generated code reaches its memory: one static arena, or that of the context it is handed.

Microcontrollers have one instance of a network, and a static arena costs no register. Computers may
have many: there each function takes a context, and what needs none works on one of the library's
own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgebottle.codegen.naming import folded
from edgebottle.ops.base import Isa

TAKING_CONTEXTS = (Isa.PORTABLE, Isa.NEON, Isa.NEON_COUNTS, Isa.NEON_DOT, Isa.NEON_ANY)
"""Kernels whose constants hold no addresses in the arena, which may be that of any context."""


@dataclass(frozen=True)
class Instance:
    """The memory of a network in C.

    Attributes:
        model: C identifier of the model.
        reentrant: Functions take a context.
    """

    model: str
    reentrant: bool

    @property
    def type(self) -> str:
        """The type of the context."""
        return f"eb_{self.model}_context"

    @property
    def holder(self) -> str:
        """What stands before the members of its memory: canaries, ``bytes``."""
        return "context->" if self.reentrant else "arena."

    @property
    def arena(self) -> str:
        """The first byte of the arena."""
        return f"{self.holder}bytes"

    @property
    def feed(self) -> str:
        """The state of a row-fed input."""
        return "context->feed" if self.reentrant else "feed"

    @property
    def table(self) -> str:
        """Qualifiers of a table with addresses in the arena."""
        return "const" if self.reentrant else "static const"

    def function(self, what: str) -> str:
        """The name of a function of the C API that needs the memory."""
        return f"eb_{self.model}_{what}{'_in' if self.reentrant else ''}"

    def parameters(self, rest: str = "") -> str:
        """Its parameters, between the parentheses."""
        own = [f"{self.type} *context"] if self.reentrant else []
        return ", ".join([*own, *([rest] if rest else [])]) or "void"

    def arguments(self, rest: str = "") -> str:
        """The same where it is called."""
        own = ["context"] if self.reentrant else []
        return ", ".join([*own, *([rest] if rest else [])])


@dataclass(frozen=True)
class _Function:
    """A function of the C API, without the context."""

    result: str
    name: str
    parameters: str = ""
    arguments: str = ""


_FUNCTIONS = (
    _Function("int", "init"),
    _Function("void", "reset"),
    _Function("eb_status", "run"),
    _Function("eb_tensor", "input", "int i", "i"),
    _Function("eb_tensor", "output", "int i", "i"),
    _Function("eb_status", "step", "int i", "i"),
    _Function("eb_tensor", "step_written", "int i", "i"),
    _Function("int", "canary_ok"),
)
_FEEDING = (
    _Function("eb_status", "feed_rows", "const void *rows, int32_t n", "rows, n"),
    _Function("int32_t", "rows_missing"),
)
_POOLED = (_Function("void", "use_pool", "struct eb_pool *pool", "pool"),)


def declarations(
    instance: Instance, arena_bytes: int, feed_fields: str, threads: int, scratch: int
) -> str:
    """The part of the header that declares the context, and what takes one.

    Args:
        instance: The memory.
        arena_bytes: Of the arena.
        feed_fields: The members of the state of a row-fed input; empty without.
        threads: That may share the rows of a layer, at most.
        scratch: Bytes that each of them but the first needs for itself.
    """
    m, upper = instance.model, instance.model.upper()
    pool, about = "", ""
    if threads > 1:
        about = f"""
 * A layer's rows are shared out to the threads of a pool (eb_pool.h): eb_{m}_use_pool_in() after
 * eb_{m}_init_in(), with a pool that no other context runs on at that time. Without one a single
 * thread computes. The outputs are the same to the last bit."""
        pool = f"""
    struct eb_pool *pool; /* NULL: one thread */
    uint8_t scratch[{threads - 1}][{max(scratch, 16)}] __attribute__((aligned(16)));"""
    feed = f"\n    struct {{{feed_fields}\n    }} feed;" if feed_fields else ""
    defines = f"#define EB_{upper}_THREADS {threads}\n" if threads > 1 else ""
    lines = "\n".join(
        folded(
            f"{one.result} {instance.function(one.name)}({instance.parameters(one.parameters)});"
        )
        for one in _functions(bool(feed_fields), threads)
    )
    plain = ""
    if threads > 1:
        plain = f"void eb_{m}_use_pool(struct eb_pool *pool);\n"
    return f"""
/* All memory of one instance of the network. Instances share nothing but constants, so that each
 * may run on a thread of its own: the functions below do what those above do, with the instance
 * that they are handed. Those above have one of their own. Begin with eb_{m}_init_in(); there is
 * nothing to free.{about}
 */
{defines}typedef struct {{
    uint32_t before[EB_CANARIES];
    uint8_t bytes[{max(arena_bytes, 1)}] __attribute__((aligned(16)));
    uint32_t after[EB_CANARIES];{feed}{pool}
}} __attribute__((aligned(16))) {instance.type};
{lines}
{plain}"""


def _functions(is_fed: bool, threads: int) -> Sequence[_Function]:
    return (*_FUNCTIONS, *(_FEEDING if is_fed else ()), *(_POOLED if threads > 1 else ()))


def own_instance(instance: Instance, is_fed: bool, threads: int) -> str:
    """The functions without a context, and the instance that they work on."""
    parts = [f"static {instance.type} own EB_ARENA;\n"]
    if threads > 1:
        parts.append(
            f"void {instance.function('use_pool')}"
            f"({instance.parameters('struct eb_pool *pool')})\n{{\n    context->pool = pool;\n}}\n"
        )
    for one in _functions(is_fed, threads):
        arguments = ", ".join(["&own", *([one.arguments] if one.arguments else [])])
        call = f"{instance.function(one.name)}({arguments});"
        body = call if one.result == "void" else f"return {call}"
        name = f"eb_{instance.model}_{one.name}"
        parts.append(f"{one.result} {name}({one.parameters or 'void'})\n{{\n    {body}\n}}\n")
    return "\n" + "\n".join(parts)
