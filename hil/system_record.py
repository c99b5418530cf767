"""The computer a measurement ran on: what decides how fast it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hil.answers import CpuCounters

_THROTTLED = {
    0: "the voltage is too low",
    1: "the clock is capped",
    2: "the clock is throttled",
    3: "the soft limit of temperature is reached",
}
"""Bits of what ``vcgencmd get_throttled`` says: now; from bit 16 on the same since start-up."""

_SINCE = 16


@dataclass(frozen=True)
class SystemRecord:
    """A computer that runs Linux, before and after the runs.

    Attributes:
        port: How it was reached.
        kernel: Name and release.
        computer: As its firmware names it; empty where it does not.
        cpu: Model name, or ``part`` and the number of the core (MIDR) where there is none.
        cores: CPU cores in use; None where unknown.
        governor: Of the clock of core 0; empty where there is none.
        megahertz_before: Clock of core 0; None where unknown.
        megahertz_after: The same after the runs.
        megahertz_most: The most that it may have.
        celsius_before: Of the first thermal zone; None where unknown.
        celsius_after: The same after the runs.
        throttled: What ``vcgencmd get_throttled`` said after the runs; empty without it.
        launcher: What was put before the program.
        instructions: Of one run, by the CPU's counter; None where it may not be read.
    """

    port: str
    kernel: str = ""
    computer: str = ""
    cpu: str = ""
    cores: int | None = None
    governor: str = ""
    megahertz_before: float | None = None
    megahertz_after: float | None = None
    megahertz_most: float | None = None
    celsius_before: float | None = None
    celsius_after: float | None = None
    throttled: str = ""
    launcher: str = ""
    instructions: int | None = None

    @classmethod
    def of(
        cls,
        port: str,
        before: Mapping[str, str],
        after: Mapping[str, str],
        counted: CpuCounters | None,
    ) -> SystemRecord:
        """Puts together what ``hil.ssh.STATE`` said twice, and what the CPU counted in a run."""
        cores = _number(before, "cores", 1)
        return cls(
            port=port,
            kernel=before.get("kernel", ""),
            computer=before.get("computer", ""),
            cpu=before.get("cpu", ""),
            cores=None if cores is None else int(cores),
            governor=before.get("governor", ""),
            megahertz_before=_number(before, "khz", 1000),
            megahertz_after=_number(after, "khz", 1000),
            megahertz_most=_number(before, "max_khz", 1000),
            celsius_before=_number(before, "millicelsius", 1000),
            celsius_after=_number(after, "millicelsius", 1000),
            throttled=after.get("throttled", ""),
            launcher=before.get("launcher", ""),
            instructions=None if counted is None else counted.instructions,
        )

    def remarks(self) -> tuple[str, ...]:
        """What a reader of the times should know, in sentences."""
        found = [self._what()]
        if self.governor and self.governor != "performance":
            found.append(
                f"its clock is governed ({self.governor}): `cpupower frequency-set -g "
                "performance` keeps it up"
            )
        bits = int(self.throttled, 16) if _is_hexadecimal(self.throttled) else 0
        for bit, text in _THROTTLED.items():
            if bits >> bit & 1 or bits >> (bit + _SINCE) & 1:
                when = "" if bits >> bit & 1 else ", or was since it started"
                found.append(f"{text}{when} (get_throttled {self.throttled})")
        if self.instructions is None:
            found.append("its CPU's counters may not be read (kernel.perf_event_paranoid)")
        return tuple(found)

    def _what(self) -> str:
        parts = [self.computer, self.cpu, self.kernel]
        if self.megahertz_before is not None:
            after = self.megahertz_after
            moved = "" if after in (None, self.megahertz_before) else f" to {after:g}"
            parts.append(f"{self.megahertz_before:g}{moved} MHz")
        if self.celsius_before is not None:
            after = self.celsius_after
            moved = "" if after in (None, self.celsius_before) else f" to {after:.0f}"
            parts.append(f"{self.celsius_before:.0f}{moved} degrees Celsius")
        if self.launcher:
            parts.append(f"started by `{self.launcher}`")
        return ", ".join(part for part in parts if part)


def _number(facts: Mapping[str, str], name: str, divisor: int) -> float | None:
    """A number of ``facts``, divided; None where there is none."""
    text = facts.get(name, "")
    digits = text.removeprefix("-")
    return int(text) / divisor if digits.isascii() and digits.isdigit() else None


def _is_hexadecimal(text: str) -> bool:
    digits = text.removeprefix("0x")
    return bool(digits) and all(digit in "0123456789abcdefABCDEF" for digit in digits)
