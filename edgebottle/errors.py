"""Every error a user can meet, each with its exit code.

Exit codes: 1 the user's input, 2 usage, 3 the board or the tools, 70 a bug of ours (any exception
that is not an ``EdgebottleError``). Messages say what is wrong, where, and what to do.
"""


class EdgebottleError(Exception):
    """Base of all errors shown to the user as one message, without a traceback."""

    exit_code = 1


class BadModel(EdgebottleError):
    """The model file is truncated, corrupt, or not a model."""


class UnsupportedOp(EdgebottleError):
    """The model uses an operator, type or attribute that edgebottle cannot compile."""


class DoesNotFit(EdgebottleError):
    """The model needs more RAM or flash than the board has."""


class BadInput(EdgebottleError):
    """Data, a record file, a configuration or an output path that cannot be used."""


class BoardNotFound(EdgebottleError):
    """No board file has this name."""


class BadBoard(EdgebottleError):
    """A board file violates the schema."""


class Mismatch(EdgebottleError):
    """Two implementations that must agree to the last bit do not."""


class ToolMissing(EdgebottleError):
    """A compiler or another tool is not installed."""

    exit_code = 3


class BuildFailed(EdgebottleError):
    """PlatformIO or a compiler failed."""

    exit_code = 3


class RegionOverflow(BuildFailed):
    """The linker had no room for an image in a memory region of the board.

    Attributes:
        region: Its name in the board file.
        excess: Bytes that it lacks.
    """

    def __init__(self, message: str, region: str = "", excess: int = 0) -> None:
        """Keeps what the linker said."""
        super().__init__(message)
        self.region, self.excess = region, excess


class BoardError(EdgebottleError):
    """The board, real or virtual, is silent, busy, faulted, or answered garbage."""

    exit_code = 3


def error_named(name: str, message: str, otherwise: type[EdgebottleError]) -> EdgebottleError:
    """The error that another process of ours told of.

    Args:
        name: Name of its class.
        message: What it said.
        otherwise: The class where there is none of that name.
    """
    kind = globals().get(name)
    if isinstance(kind, type) and issubclass(kind, EdgebottleError):
        return kind(message)
    return otherwise(message)
