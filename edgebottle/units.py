"""Bytes as people read them: what is needed is rounded up, what there is is rounded down."""


def kilobytes(count: int) -> str:
    """What is needed or taken: ``49,153`` bytes as ``48.1 kB``, fewer than 1024 as ``820 B``.

    Rounded up, so that it is enough as ``--ram`` or ``--flash``; 1 kB is 1024 bytes.
    """
    return f"{count} B" if count < 1024 else _tenths(-(-count * 10 // 1024))


def room(count: int) -> str:
    """What there is, in the same form: rounded down, never more than there is."""
    return f"{count} B" if count < 1024 else _tenths(count * 10 // 1024)


def _tenths(count: int) -> str:
    return f"{count // 10}.{count % 10} kB"
