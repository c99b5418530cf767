"""The operators, one file each."""

from edgebottle.ops.base import Operator

OPERATORS: tuple[type[Operator], ...] = ()

BY_NAME: dict[str, type[Operator]] = {operator.OP: operator for operator in OPERATORS}
