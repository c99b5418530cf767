"""What a file has of an operator."""

from dataclasses import dataclass

MANY = 10_000
"""More inputs than any operator of a file has."""


@dataclass(frozen=True)
class Signature:
    """What a .tflite file has of an operator: inputs, outputs, options.

    Attributes:
        options: The schema's table of options, empty where there is none.
        least: Fewest inputs.
        most: Most inputs; ``MANY`` for any number.
        outputs: Outputs; 0 for any number from one.
        optional: Inputs that may be absent; added at the end where the file leaves them out.
        fields: The types of the options by their number in the schema, as ``flatbuffer_check``
            names them.
        version: Of the operator, as it is written: the lowest that knows int8, and all its inputs
            and options.
    """

    options: str
    least: int
    most: int
    outputs: int = 1
    optional: tuple[int, ...] = ()
    fields: tuple[str, ...] = ()
    version: int = 2
