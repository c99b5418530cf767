"""What differs between Linux, macOS and Windows; nothing else asks which of them it runs on.

The lowest layer of all: it imports nothing but the standard library.
"""

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, AnyStr, Self

_END_SECONDS = 5.0
"""How long a killed process may take to be gone."""

_STILL_SECONDS = 10.0
"""A process that has used next to no CPU time for so long stands still."""

_LEAST_SHARE = 0.02
"""Of a core; what only looks now and then whether there is something to do uses less."""

_LOCKED_BYTE = 1 << 40
"""Where Windows locks a file: behind its content, which others may not even read else."""

_FIRST_EXCEPTION = 0xC0000000
"""From here on a return code on Windows is the exception that ended the process."""

_KEEPER = ("/bin/sh", "-c", "trap '' HUP INT QUIT TERM; read -r _; kill -KILL 0")
"""Waits for the end of its standard input, then kills its process group, itself included."""


def cache_home() -> Path:
    """The folder in which programs of this user keep what can be made again."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home())))
    return Path.home() / ".cache"


def shared_library(stem: str) -> str:
    """The file name of a shared library."""
    return stem + {"darwin": ".dylib", "win32": ".dll"}.get(sys.platform, ".so")


def socket_libraries() -> tuple[str, ...]:
    """What a C program that uses sockets has to be linked with."""
    return ("-lws2_32",) if sys.platform == "win32" else ()


def lacks_shell() -> bool:
    """Programs that call ``sh`` as on every POSIX system would not find it; Windows needs none."""
    return sys.platform != "win32" and shutil.which("sh") is None


def executables_are_elf() -> bool:
    """What a compiler makes for this computer is an ELF file."""
    return sys.platform not in ("darwin", "win32")


def executables_have_threads() -> bool:
    """What a compiler makes for this computer has the threads of POSIX."""
    return sys.platform != "win32"


def can_wait_for_files() -> bool:
    """``select`` takes any file, not sockets alone."""
    return sys.platform != "win32"


def can_pass_files() -> bool:
    """A child can be handed an open file by its number."""
    return sys.platform != "win32"


def reader_has_gone(error: OSError) -> bool:
    """Writing to a pipe failed because nobody reads from it any more."""
    if isinstance(error, BrokenPipeError):
        return True
    return sys.platform == "win32" and error.errno == errno.EINVAL and error.filename is None


def owning_group(path: str) -> str | None:
    """The name of the group that a file belongs to; None where there is no such thing."""
    try:
        import grp

        return grp.getgrgid(os.stat(path).st_gid).gr_name
    except (ImportError, OSError, KeyError):
        return None


def try_lock(file: IO[bytes]) -> bool:
    """Locks an open file for as long as it is open; False if another process has it.

    Raises:
        OSError: files cannot be locked there.
    """
    if sys.platform == "win32":
        import msvcrt

        position = file.tell()
        file.seek(_LOCKED_BYTE)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        finally:
            file.seek(position)
    else:
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def ending(returncode: int | None) -> str:
    """How a process ended, from its return code: "exit code 2", "killed by SIGKILL"."""
    if returncode is not None and returncode >= _FIRST_EXCEPTION:
        return f"exception 0x{returncode:08X}"
    if returncode is None or returncode >= 0:
        return f"exit code {returncode}"
    with contextlib.suppress(ValueError):
        return f"killed by {signal.Signals(-returncode).name}"
    return f"killed by signal {-returncode}"


class Child(subprocess.Popen[AnyStr]):
    """A process that ends with all it started: by ``end``, or when this process does.

    However this process dies, ``kill -9`` included. On POSIX a keeper, a small shell, leads the
    process group that the child is born into, and kills the group when the pipe from here breaks;
    where the keeper has gone already the child cannot join, and so is never started. On Windows
    both are what a job object does. Ctrl-C in a terminal reaches this process alone.

    A context manager that ends the process.
    """

    def __init__(self, command: Sequence[str | Path], **options: Any) -> None:
        """Starts it.

        Args:
            command: Executable and arguments.
            options: What ``subprocess.Popen`` takes, but for groups and sessions.

        Raises:
            OSError: it cannot be started.
        """
        self._has_ended = False
        self._start([str(word) for word in command], options)

    @classmethod
    def python(cls, module: str, *arguments: str, **options: Any) -> Self:
        """Starts a module of this program, in another Python that finds what this one finds.

        Args:
            module: Its name.
            arguments: Of its command line.
            options: As above, but for the environment.

        Raises:
            OSError: it cannot be started.
        """
        command, environment = _python(module, arguments)
        return cls(command, env=environment, **options)

    def cpu_seconds(self) -> float | None:
        """CPU time that it and what it started have used so far; None where nobody says."""
        if sys.platform != "linux":
            return None
        ticks = sum(_group_ticks(self._keeper.pid))
        return ticks / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        """Kills the process and all that it started; a second time does nothing."""
        if self._has_ended:
            return
        self._has_ended = True
        self._kill_all()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(_END_SECONDS)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Ends it and closes its pipes."""
        self.end()
        super().__exit__(kind, error, traceback)

    if sys.platform == "win32":

        def _start(self, command: list[str], options: dict[str, Any]) -> None:
            self._job: int = _new_job()
            try:
                # A group of its own hears no Ctrl-C.
                flags = _CREATE_SUSPENDED | subprocess.CREATE_NEW_PROCESS_GROUP
                super().__init__(command, creationflags=flags, **options)
            except BaseException:
                _kernel32.CloseHandle(self._job)
                raise
            # It runs no instruction before it is in the job, so that nothing of it can escape.
            handle = int(self._handle)  # type: ignore[attr-defined]
            _kernel32.AssignProcessToJobObject(self._job, handle)
            _ntdll.NtResumeProcess(handle)

        def _kill_all(self) -> None:
            _kernel32.TerminateJobObject(self._job, 1)
            _kernel32.CloseHandle(self._job)

    else:

        def _start(self, command: list[str], options: dict[str, Any]) -> None:
            self._keeper = subprocess.Popen(
                _KEEPER,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                process_group=0,
            )
            try:
                super().__init__(command, process_group=self._keeper.pid, **options)
            except BaseException:
                self._kill_all()
                raise

        def _kill_all(self) -> None:
            # The keeper has not been waited for yet, so that its number is nobody else's.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._keeper.pid, signal.SIGKILL)
            self._keeper.communicate()


def start_detached(module: str, *arguments: str, output: IO[bytes]) -> subprocess.Popen[bytes]:
    """Starts a module of this program that outlives this process, its terminal and its connection.

    Args:
        module: Its name.
        arguments: Of its command line.
        output: Where it prints to.

    Raises:
        OSError: it cannot be started.
    """
    command, environment = _python(module, arguments)
    options: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
        options = {"creationflags": flags | subprocess.CREATE_BREAKAWAY_FROM_JOB}
    process: subprocess.Popen[bytes] = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        **options,
    )
    return process


def _python(module: str, arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The command line of a module of this program, and the environment in which it is found."""
    root = str(Path(__file__).resolve().parents[1])
    paths = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    return [sys.executable, "-P", "-m", module, *arguments], {**os.environ, "PYTHONPATH": paths}


class Patience:
    """How long a child may take: once that is over, only time in which it works counts.

    On a busy computer everything is late. So a child that still gets on is given the same time once
    more, measured in its own CPU time; one that stands still, or has ended, is not. As getting on
    takes a share of a core, all ends by the wall clock too: after some 50 times the seconds.
    """

    def __init__(self, child: Child[str] | Child[bytes], seconds: float) -> None:
        self._child, self._seconds = child, seconds
        self._end = time.monotonic() + seconds
        self._first: float | None = None
        self._last = self._moved = 0.0

    def is_over(self) -> bool:
        """True when it has had its time."""
        now = time.monotonic()
        if now < self._end:
            return False
        used = self._child.cpu_seconds()
        if used is None or self._child.poll() is not None:
            return True
        if self._first is None:
            self._first = used
        still_seconds = min(self._seconds, _STILL_SECONDS)
        if used - self._last >= _LEAST_SHARE * still_seconds:
            self._last, self._moved = used, now
        is_still = now - self._moved >= still_seconds
        return is_still or used - self._first >= self._seconds


def _group_ticks(group: int) -> Iterator[int]:
    """Clock ticks of each process of a group on Linux, with those of its children that ended."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):  # it may end while it is looked at
            fields = stat.read_text(errors="replace").rsplit(")", 1)[1].split()
            if int(fields[2]) == group:
                yield sum(map(int, fields[11:15]))


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    _CREATE_SUSPENDED = 0x4
    _EXTENDED_LIMITS = 9  # JobObjectExtendedLimitInformation
    _KILL_ON_JOB_CLOSE = 0x2000
    _kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    _ntdll = ctypes.WinDLL("ntdll")
    _kernel32.CreateJobObjectW.restype = wintypes.HANDLE
    _kernel32.CreateJobObjectW.argtypes = (wintypes.LPVOID, wintypes.LPCWSTR)
    _kernel32.SetInformationJobObject.argtypes = (
        *(wintypes.HANDLE, ctypes.c_int),
        *(wintypes.LPVOID, wintypes.DWORD),
    )
    _kernel32.AssignProcessToJobObject.argtypes = (wintypes.HANDLE, wintypes.HANDLE)
    _kernel32.TerminateJobObject.argtypes = (wintypes.HANDLE, wintypes.UINT)
    _kernel32.CloseHandle.argtypes = (wintypes.HANDLE,)
    _ntdll.NtResumeProcess.argtypes = (wintypes.HANDLE,)

    class _JobLimits(ctypes.Structure):
        """``JOBOBJECT_EXTENDED_LIMIT_INFORMATION`` of winnt.h."""

        _fields_ = (
            ("per_process_time", ctypes.c_int64),
            ("per_job_time", ctypes.c_int64),
            ("flags", wintypes.DWORD),
            ("working_set", ctypes.c_size_t * 2),
            ("active_processes", wintypes.DWORD),
            ("affinity", ctypes.c_size_t),
            ("classes", wintypes.DWORD * 2),
            ("io_counters", ctypes.c_uint64 * 6),
            ("memory", ctypes.c_size_t * 4),
        )

    def _new_job() -> int:
        """A job whose processes die when its last handle is closed, as ours is when we die."""
        job = _kernel32.CreateJobObjectW(None, None)
        limits = _JobLimits(flags=_KILL_ON_JOB_CLOSE)
        size = ctypes.sizeof(limits)
        if not job or not _kernel32.SetInformationJobObject(
            job, _EXTENDED_LIMITS, ctypes.byref(limits), size
        ):
            raise ctypes.WinError(ctypes.get_last_error())
        return int(job)
