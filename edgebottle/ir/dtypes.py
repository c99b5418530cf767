"""Element types of tensors, down to one bit."""

from enum import Enum

import numpy as np

FLOAT_LIMIT = float(np.finfo(np.float32).max)
"""The largest float32."""


class DType(Enum):
    """Element type; the value is ``(name, bits, NumPy type, C type)``.

    Types below eight bits are held one element per byte in NumPy and packed by the compiler.
    F16 stands in constants only, which are made F32 before anything is compiled.
    """

    F16 = ("f16", 16, np.float16, "uint16_t")
    F32 = ("f32", 32, np.float32, "float")
    I64 = ("i64", 64, np.int64, "int64_t")
    I32 = ("i32", 32, np.int32, "int32_t")
    I16 = ("i16", 16, np.int16, "int16_t")
    I8 = ("i8", 8, np.int8, "int8_t")
    I4 = ("i4", 4, np.int8, "int8_t")
    I2 = ("i2", 2, np.int8, "int8_t")
    I1 = ("i1", 1, np.int8, "int8_t")
    U32 = ("u32", 32, np.uint32, "uint32_t")
    U16 = ("u16", 16, np.uint16, "uint16_t")
    U8 = ("u8", 8, np.uint8, "uint8_t")
    U4 = ("u4", 4, np.uint8, "uint8_t")
    U2 = ("u2", 2, np.uint8, "uint8_t")
    U1 = ("u1", 1, np.uint8, "uint8_t")
    BOOL = ("bool", 8, np.bool_, "uint8_t")

    def __init__(self, label: str, bits: int, numpy: type[np.generic], c: str) -> None:
        self.label = label
        self.bits = bits
        self.numpy = numpy
        self.c = c

    @property
    def is_quantized(self) -> bool:
        """True for the integer types that carry activations of quantized networks."""
        return self in (DType.I8, DType.I16, DType.U8)
