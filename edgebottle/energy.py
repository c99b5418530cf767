"""Energy of a network on a real board, whose supply goes through a meter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from edgebottle.drivers import Told, to_bytes
from edgebottle.errors import BadInput
from edgebottle.pipeline import Built
from edgebottle.samples import Samples
from hil.bench.meters.finding import open_meter
from hil.bench.meters.recording import Meter, MeterSettings
from hil.bench.meters.windows import SECONDS, WINDOWS, measure_energy
from hil.energy_record import EnergyRecord
from hil.session import Session


@dataclass(frozen=True)
class SuppliedBoard:
    """A board whose supply is measured.

    Attributes:
        meter: What measures it.
        settings: Of it.
        name: Of the board.
    """

    meter: Meter
    settings: MeterSettings
    name: str

    def energy(
        self,
        session: Session,
        samples: Samples,
        windows: int,
        progress: Callable[[str, int, int], None],
        seconds: float = SECONDS,
    ) -> EnergyRecord:
        """Measures windows, one sample after the other.

        Args:
            session: With firmware of energy mode.
            samples: What is run.
            windows: How many, where that is more than one; else as many as MLPerf Tiny has.
            progress: Told what is being done.
            seconds: Of each, at least.

        Raises:
            MeterFault: nothing can be said of the energy; says why.
            BoardError: the board failed.
        """
        return measure_energy(
            session,
            self.meter,
            self.settings,
            [to_bytes(sample) for sample in samples.inputs],
            windows=windows if windows > 1 else WINDOWS,
            seconds=seconds,
            told=lambda done, total: progress(f"energy of {self.name}", done, total),
        )


@contextmanager
def supplied(
    built: Built, port: str | None, settings: MeterSettings | None, step: Told = lambda name: None
) -> Iterator[SuppliedBoard | None]:
    """Gives a board its supply through a meter; None where there is no meter.

    Args:
        built: Its firmware.
        port: Of a real board.
        settings: Of the meter; None for none.
        step: Told what begins.

    Raises:
        BadInput: the firmware has no pulses, or the board is virtual.
        MeterFault: the meter cannot be used.
        ToolMissing: its library is not installed.
    """
    if settings is None:
        yield None
        return
    if port is None:
        raise BadInput(f"a virtual {built.board.id} takes no energy that could be measured")
    if not built.board.has_pulses:
        raise BadInput("a meter needs firmware of energy mode: --energy builds it")
    step("port")
    with open_meter(settings) as meter:
        meter.supply()
        yield SuppliedBoard(meter, settings, built.board.id)
