"""Runs a tool with a deadline, its output in a log file."""

import contextlib
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from edgebottle.errors import BuildFailed, ToolMissing
from edgebottle.operating_system import Child, Patience, ending

ERROR_LINES = 12
_LAST_OUTPUT_S = 5.0
_POLL_S = 0.2


def run_tool(
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: dict[str, str],
    deadline_s: float,
    cwd: Path | None = None,
    heard: Callable[[str], None] | None = None,
) -> str:
    """Runs ``command`` and returns its output, standard error included; writes it to ``log``.

    The tool and all its children die at the deadline, with Ctrl-C, and with this process.

    Args:
        command: Executable and arguments.
        log: File for the command and its full output.
        environment: The tool's environment.
        deadline_s: Seconds after which it is killed, unless it still gets on (``Patience``).
        cwd: Working directory.
        heard: Told now and then the last line that the tool wrote.

    Raises:
        ToolMissing: the executable does not exist.
        BuildFailed: it failed or took too long; names the first errors and the log.
    """
    words = [str(word) for word in command]
    try:
        process: Child[str] = Child(
            words,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        tool = error.filename or words[0]
        raise ToolMissing(f"cannot run {tool}: {error.strerror}") from error
    with process:
        try:
            output = _output(process, Patience(process, deadline_s), heard)
        except subprocess.TimeoutExpired as error:
            process.end()
            _write_log(log, words, _last_output(process))
            raise BuildFailed(
                f"{Path(words[0]).name} took longer than {deadline_s:.0f} s and was stopped; "
                f"full log: {log}"
            ) from error
    _write_log(log, words, output)
    if process.returncode < 0:
        killed = ending(process.returncode)
        raise BuildFailed(f"{Path(words[0]).name} was {killed} during the build; full log: {log}")
    if process.returncode != 0:
        raise BuildFailed(f"the build failed\n{first_errors(output)}\nfull log: {log}")
    return output


def first_errors(output: str) -> str:
    """Returns the lines of a compiler's output that say what went wrong, at most a dozen."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    starts = [i for i, line in enumerate(lines) if "error" in line.lower()]
    if not starts:
        return "\n".join(lines[-ERROR_LINES:])
    chosen: list[str] = []
    for start in starts:
        for line in lines[start : start + 3]:
            if line not in chosen:
                chosen.append(line)
    shown = chosen[:ERROR_LINES]
    if len(chosen) > len(shown):
        shown.append(f"... and {len(chosen) - len(shown)} more lines")
    return "\n".join(shown)


def _write_log(log: Path, words: list[str], output: str) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(f"$ {' '.join(words)}\n{output}", encoding="utf-8")


def _output(process: Child[str], patience: Patience, heard: Callable[[str], None] | None) -> str:
    """All that a process writes; raises ``TimeoutExpired`` when it has had its time."""
    while True:
        try:
            return process.communicate(timeout=_POLL_S)[0]
        except subprocess.TimeoutExpired as error:
            if patience.is_over():
                raise
            lines = (error.output or b"").splitlines()  # bytes so far; none on Windows
            if heard and lines:
                heard(lines[-1].decode(errors="replace"))


def _last_output(process: Child[str]) -> str:
    """What an ended process wrote, "" where a process that left its group holds the pipe."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        return process.communicate(timeout=_LAST_OUTPUT_S)[0]
    return ""
