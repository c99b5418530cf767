"""The table of a meter in ``bench.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgebottle.errors import BadInput
from edgebottle.toml_tables import Reader, flag, one_of, read_table, text, whole
from hil.bench.meters.kinds import METERS
from hil.bench.meters.recording import HOST, INPUT, MeterSettings

MAX_VOLTS = 15.0
"""What a Joulescope may be put between."""


def read_meter(table: Mapping[str, Any], prefix: str) -> MeterSettings:
    """A meter, whose kind and voltage must be said; raises ``BadInput`` that names the key."""
    said = read_table(table, _METER, prefix, ("kind", "volts"))
    kind = METERS[said["kind"]]
    if kind.volts is None and said.get("supplies"):
        raise BadInput(f"'{prefix}supplies': a {kind.title} supplies nothing, it measures")
    if kind.must_supply and not said.get("supplies", True):
        raise BadInput(f"'{prefix}supplies': an {kind.title} measures only what it supplies")
    settings = MeterSettings(**{"supplies": kind.volts is not None, **said})
    if kind.volts is not None and not kind.volts[0] <= settings.volts <= kind.volts[1]:
        low, high = kind.volts
        raise BadInput(
            f"'{prefix}volts' is {settings.volts:g}: of {kind.title} {low:g} to {high:g}"
        )
    if settings.channel >= kind.channels:
        most = kind.channels - 1
        raise BadInput(f"'{prefix}channel' is {settings.channel}: a {kind.title} has 0 to {most}")
    if settings.port is not None and (settings.serial is not None or not kind.has_port):
        other = "its serial number says where it is" if kind.has_port else "it has no serial port"
        raise BadInput(f"'{prefix}port': {other}")
    return settings


def _volts(value: object) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value <= MAX_VOLTS:  # type: ignore[operator]
        raise BadInput(f"a number of volts, up to {MAX_VOLTS:g}")
    return float(value)  # type: ignore[arg-type]


_METER: Mapping[str, Reader] = {
    "kind": one_of(*METERS),
    "port": text,
    "serial": text,
    "volts": _volts,
    "supplies": flag,
    "pulse": one_of(INPUT, HOST),
    "channel": whole(0, 7),
}
