"""`bench.toml`: what it may say, and what is said of each mistake."""

import datetime
import re
from pathlib import Path

import pytest

from edgebottle.errors import BadInput
from hil.bench.entries import BenchEntry, Quarantine, read_bench
from hil.bench.hosts import BenchHost
from hil.bench.power import PowerSwitch

TEXT = """\
version = 1

[board.left]
board = "nucleo_l4r5zi"
usb = "0483:374b"
serial = "066CFF31"
programmer = "openocd"
reset = ["break", "probe"]
power = { uhubctl = "1-1.4:2", seconds = 3 }

[board.right]
board = "microbit"
port = "rfc2217://lab:4001"
probe = "9904"
quarantine = { reason = "its cable is loose", until = 2026-12-24 }
power = { off = "relay 3 off", on = "relay 3 on" }

[board.double]
board = "stm32f746"
driver = "virtual"
"""


def bench_file(folder: Path, text: str = TEXT) -> Path:
    path = folder / "bench.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_it_says(tmp_path: Path) -> None:
    left, right, double = read_bench(bench_file(tmp_path)).entries
    switch = PowerSwitch("uhubctl -l 1-1.4 -p 2 -a off", "uhubctl -l 1-1.4 -p 2 -a on", 3.0)
    assert left == BenchEntry(
        "left",
        "nucleo_l4r5zi",
        usb="0483:374B",
        serial="066CFF31",
        programmer="openocd",
        reset=("break", "probe"),
        power=switch,
    )
    assert right.quarantine == Quarantine("its cable is loose", datetime.date(2026, 12, 24))
    assert right.power == PowerSwitch("relay 3 off", "relay 3 on", 2.0)
    assert right.choice.serial == "9904" and right.choice.writes(is_local=False)
    assert double.is_virtual and (left.place, right.place, double.place) == (
        "USB 0483:374B serial 066CFF31",
        "rfc2217://lab:4001",
        "virtual",
    )


def test_a_quarantine_holds_to_its_last_day() -> None:
    quarantine = Quarantine("cable", datetime.date(2026, 12, 24))
    days = [datetime.date(2026, 12, day) for day in (23, 24, 25)]
    assert [quarantine.holds(day) for day in days] == [True, True, False]


# what is changed, into what, what is said
WRONG = [
    ("version = 1", "", "is of no version, .* `edgebottle bench add` writes such a file"),
    ("version = 1", "version = true", "is of version True"),
    ("version = 1", "version = 1 1", "is not valid TOML: .*line 1"),
    ("[board.left]", "[boards.left]", "unknown key 'boards': did you mean 'board'"),
    ("[board.left]", "[board.all]", "no board may be called 'all'"),
    ("[board.left]", '[board."a b"]', "'a b' is no name of a board"),
    ("[board.left]", "[board.right]", r"is not valid TOML: .*right"),
    ("[board.left]", "[board.microbit]", "'microbit' is called as another board: this one is a nu"),
    ('board = "stm32f746"\n', "", "key 'board.double.board' is missing"),
    ('board = "stm32f746"', 'board = "stm32f764"', "'board.double.board': no board .*stm32f746"),
    ('board = "stm32f746"', 'board = "cortex-m4"', "cortex-m4 is a core and no board"),
    ('serial = "066CFF31"', "serial = 66", "'board.left.serial' is 66: it must be text in quotes"),
    ('serial = "066', 'seriel = "066', "'board.left.seriel': did you mean 'serial'"),
    ('usb = "0483:374b"', 'usb = "0483"', 'it must be vendor and product .* such as "0483:374B"'),
    ('programmer = "openocd"', 'programmer = "opencd"', "one of .*: did you mean 'openocd'"),
    ('["break", "probe"]', '["brake"]', "'board.left.reset' .* one of break, dtr, probe: did you"),
    ('"virtual"', '"vitual"', "one of serial, virtual: did you mean 'virtual'"),
    ('"virtual"', '"virtual"\nport = "COM3"', "'board.double.port' is of a real board"),
    ('driver = "virtual"', "", "'board.double.port' or .*serial' must say where the board is"),
    ('probe = "9904"', 'serial = "9904"', "both say where the board is: keep one"),
    ('probe = "9904"', 'probe = "066CFF31"', "'left' and 'right' have one probe, 066CFF31"),
    ('port = "rfc2217://lab:4001"', 'serial = "066CFF31"', "'left' and 'right' have one serial n"),
    (
        'driver = "virtual"',
        'port = "rfc2217://lab:4001"',
        "'right' and 'double' have one port, rfc2217://lab:4001",
    ),
    ('"1-1.4:2"', '"1-1.4"', "'board.left.power.uhubctl' .* a hub and its port"),
    ("seconds = 3", 'off = "x"', "'board.left.power.uhubctl' and commands .* exclude each other"),
    (', on = "relay 3 on"', "", "key 'board.right.power.on' is missing: a command"),
    ('"relay 3 on"', '"relay \'3"', "'board.right.power.on' .* a command line in quotes: No clos"),
    ("until = 2026-12-24", 'until = "2026-12-24"', "it must be a date such as 2027-01-31, without"),
    (", until = 2026-12-24", "", "key 'board.right.quarantine.until' is missing"),
]


@pytest.mark.parametrize(("before", "after", "message"), WRONG)
def test_mistakes(tmp_path: Path, before: str, after: str, message: str) -> None:
    assert TEXT.count(before) == 1
    path = bench_file(tmp_path, TEXT.replace(before, after))
    with pytest.raises(BadInput) as caught:
        read_bench(path)
    assert str(caught.value).startswith(str(path)) and re.search(message, str(caught.value))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"cannot read .*bench.toml: No such file"):
        read_bench(tmp_path / "bench.toml")


HOST = """\
version = 1
[host.lab]
address = "ssh://ci@lab.example.org:2222"
bench = "~/lab/bench.toml"
options = ["IdentityFile=~/.ssh/lab"]
"""


def test_a_host(tmp_path: Path) -> None:
    (host,) = read_bench(bench_file(tmp_path, HOST)).hosts
    assert host == BenchHost(
        "lab",
        "ssh://ci@lab.example.org:2222",
        bench="~/lab/bench.toml",
        options=("IdentityFile=~/.ssh/lab",),
    )
    assert host.owns("lab/x") and not host.owns("lab") and not host.owns("lab2/x")


# what is changed, into what, what is said
WRONG_HOSTS = [
    ("[host.lab]", "[hots.lab]", "unknown key 'hots': did you mean 'host'"),
    ("[host.lab]", "[host]", r"a table with its name, \[host.NAME\], not address"),
    ("[host.lab]", '[host."a/b"]', "'a/b' is no name"),
    ("address", "adress", "unknown key 'host.lab.adress': did you mean 'address'"),
    ('address = "ssh://ci@lab.example.org:2222"\n', "", "key 'host.lab.address' is missing"),
    ("ssh://ci@lab", "ci@lab", "it must be where ssh finds it, such as"),
    ("ssh://ci@lab", "ssh://-oProxyCommand=x@lab", "it must be where ssh finds it, such as"),
    ("IdentityFile=", "-v IdentityFile=", "an option of ssh_config such as"),
]


@pytest.mark.parametrize(("before", "after", "message"), WRONG_HOSTS)
def test_mistakes_of_hosts(tmp_path: Path, before: str, after: str, message: str) -> None:
    assert HOST.count(before) == 1
    with pytest.raises(BadInput, match=message):
        read_bench(bench_file(tmp_path, HOST.replace(before, after)))
