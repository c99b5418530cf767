"""How the system's own ``ssh`` is called: it asks for nothing, and notices a line that is dead."""

CONNECT_SECONDS = 10
ALIVE_SECONDS = 5
"""Until ssh gives a connection up; between two signs of life, of which three may be missing."""

OPTIONS = (
    *("-T", "-o", "BatchMode=yes"),
    *("-o", f"ConnectTimeout={CONNECT_SECONDS}"),
    *("-o", f"ServerAliveInterval={ALIVE_SECONDS}", "-o", "ServerAliveCountMax=3"),
)

FAILED = 255
"""Exit code of ssh where it is ssh that failed; all others are of the command on the far side."""
