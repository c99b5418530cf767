"""The bench application: bytes in, bytes out, around a hand-written model."""

import random
import re
import subprocess
import zlib
from pathlib import Path

import pytest
from bench_build import (
    APPLICATION,
    FAKE,
    FAKE_ROWS,
    INCLUDES,
    WARNINGS,
    ZIG,
    ask,
    build_host,
    sanitizing_compiler,
)

from hil.frames import input_frame

READY = b"m-ready\r\n"
LOAD = b"db load 10%db 00010203040506070809%in 1%db load 2%db 0102%in 0%"
LOADED = (
    b"m-[Expecting 10 bytes]\r\nm-ready\r\nm-load-done\r\nm-ready\r\n"
    b"m-in-[1 2]\r\nm-ready\r\nm-[Expecting 2 bytes]\r\nm-ready\r\nm-load-done\r\nm-ready\r\n"
    b"m-in-[0 10]\r\nm-ready\r\n"
)
RESULTS = b"m-results-[0.503,0.507,0.511,0.515,1.500]\r\n"
TOO_LONG = b"e-[Command too long]\r\n"
EXPECTING_4 = b"m-[Expecting 4 bytes]\r\nm-ready\r\n"


@pytest.fixture(scope="session")
def apps(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    folder = tmp_path_factory.mktemp("bench")
    return {size: build_host(folder, size) for size in (0, 12)}


# What the stock runner uses, and every answer of which each byte is known.
EXACT = [
    (b"name%", b"m-name-dut-[edgebottle]\r\n"),
    (b"profile%", b"m-profile-[ULPMark for tinyML Firmware V0.0.1]\r\nm-model-[fake]\r\n"),
    (b"db%", b"e-[Command 'db' requires a subcommand]\r\n"),
    (b"db load%", b"e-[Command 'db load' requires the # of bytes]\r\n"),
    (b"db load 0%", b"e-[Command 'db load' must be >0 bytes]\r\n"),
    (b"db load x%", b"e-[Command 'db load' must be >0 bytes]\r\n"),
    (b"db load -1%", b"e-[Command 'db load' must be >0 bytes]\r\n"),
    (b"db load 10%", b"m-[Expecting 10 bytes]\r\n"),
    (b"db load 11%", b"e-[Supplied buffer size 11 exceeds maximum of 10]\r\n"),
    (
        b"db load 18446744073709551617%",
        b"e-[Supplied buffer size 18446744073709551617 exceeds maximum of 10]\r\n",
    ),
    (b"db print%", b""),
    (b"reset%", b""),
    (b"db 00%", b"e-[Command 'db load' must come first]\r\n"),
    (b"infer 0%", b"e-[Inference iterations must be >0]\r\n"),
    (b"infer x%", b"e-[Inference iterations must be >0]\r\n"),
    (b"infer -3%", b"e-[Inference iterations must be >0]\r\n"),
    (b"infer 1 -1%", b"e-[Inference warmup must be >=0]\r\n"),
    (b"infer 99999999999 0%", b"e-[Number out of range: 99999999999]\r\n"),
    (b"infer 1 2147483648%", b"e-[Number out of range: 2147483648]\r\n"),
    (b"infer 1 0%", b"e-[load the input first]\r\n"),
    (b"results%", b"e-[infer first: there are no results]\r\n"),
    (b"out%", b"e-[infer first: there are no results]\r\n"),
    (b"crc%", b"e-[load the input first]\r\n"),
    (b"in%", b"e-[No such input: ]\r\n"),
    (b"in 2%", b"e-[No such input: 2]\r\n"),
    (b"in 4294967296%", b"e-[No such input: 4294967296]\r\n"),
    (b"in 1%", b"m-in-[1 2]\r\n"),
    (b"mem%", b"m-mem-[arena=28 stack=0 stack_size=0 canary=ok]\r\n"),
    # Bad input.
    (b"%", b"e-[Empty command]\r\n"),
    (b"   %", b"e-[Empty command]\r\n"),
    (b"\r\n%", b"e-[Empty command]\r\n"),
    (b"nonsense 1 2%", b"e-[Unknown command: nonsense]\r\n"),
    (b"NAME%", b"e-[Unknown command: NAME]\r\n"),
    (b"names%", b"e-[Unknown command: names]\r\n"),
    (b"\x01\xff\x7f%", b"e-[Unknown command: ???]\r\n"),
    (b"na\0me%", b"e-[Unknown command: na]\r\n"),
    (b"x" * 80 + b"%", b"e-[Unknown command: " + b"x" * 80 + b"]\r\n"),
    (b"x" * 81 + b"%", TOO_LONG),
    (b"x" * 100_000 + b"%", TOO_LONG),
    (b"db " + b"z" * 200 + b"%", TOO_LONG),
    (b"db " + b"0" * 100_000 + b"%", b"e-[Command 'db load' must come first]\r\n"),
    # A person types spaces and the return key.
    (b"\r\n  name  \r\n%", b"m-name-dut-[edgebottle]\r\n"),
    (b"  db   load   4  %", b"m-[Expecting 4 bytes]\r\n"),
]


@pytest.mark.parametrize("db_bytes", [0, 12])
@pytest.mark.parametrize(("sent", "answer"), EXACT, ids=[repr(sent)[:40] for sent, _ in EXACT])
def test_each_command_is_answered_exactly(
    apps: dict[int, Path], db_bytes: int, sent: bytes, answer: bytes
) -> None:
    following = b"m-name-dut-[edgebottle]\r\n" + READY
    assert ask(apps[db_bytes], sent + b"name%") == answer + READY + following


DATA = [
    ("all at once", b"db 01020304%", b"m-load-done\r\n" + READY),
    ("capitals", b"db 0aFf0b0C%", b"m-load-done\r\n" + READY),
    ("piecewise", b"db 01%db 0203%db 04%", READY + READY + b"m-load-done\r\n" + READY),
    ("spaces in front", b"db   01020304%", b"m-load-done\r\n" + READY),
    ("more words", b"db 01020304 zz 5%", b"m-load-done\r\n" + READY),
    ("odd", b"db 010%", b"e-[Insufficent number of hex digits]\r\n" + READY),
    ("one digit", b"db a%", b"e-[Insufficent number of hex digits]\r\n" + READY),
    ("not hex", b"db zz%", b"e-[Invalid hex digit 'zz']\r\n" + READY),
    ("not hex later", b"db 010g%", b"e-[Invalid hex digit '0g']\r\n" + READY),
    ("sign", b"db 01-1%", b"e-[Invalid hex digit '-1']\r\n" + READY),
    ("garbage", b"db 01\xff\xfe%", b"e-[Invalid hex digit '??']\r\n" + READY),
    (
        "too much",
        b"db 0102030405%",
        b"e-[Too much data: only 4 more bytes expected]\r\n" + READY,
    ),
    (
        "too much after all",
        b"db 01020304%db 05%",
        b"m-load-done\r\nm-ready\r\ne-[Too much data: only 0 more bytes expected]\r\n" + READY,
    ),
    (
        "refused, then right",
        b"db 0102%db 03zz%db 0304%",
        READY + b"e-[Invalid hex digit 'zz']\r\nm-ready\r\nm-load-done\r\n" + READY,
    ),
    (
        "a load that is refused ends the one before",
        b"db 0102%db load 99%db 03%",
        READY
        + b"e-[Supplied buffer size 99 exceeds maximum of 10]\r\nm-ready\r\n"
        + b"e-[Command 'db load' must come first]\r\n"
        + READY,
    ),
]


@pytest.mark.parametrize("db_bytes", [0, 12])
@pytest.mark.parametrize(("sent", "answer"), [row[1:] for row in DATA], ids=[r[0] for r in DATA])
def test_data(apps: dict[int, Path], db_bytes: int, sent: bytes, answer: bytes) -> None:
    assert ask(apps[db_bytes], b"db load 4%" + sent) == EXPECTING_4 + answer


def test_print_shows_eight_bytes_a_line_and_a_blank_after_a_short_one(
    apps: dict[int, Path],
) -> None:
    answer = ask(apps[12], b"db load 10%db 00010203040506070809%db print%db load 8%db print%")
    assert answer == (
        b"m-[Expecting 10 bytes]\r\nm-ready\r\nm-load-done\r\nm-ready\r\n"
        b"m-buffer-00-01-02-03-04-05-06-07\r\nm-buffer-08-09\r\n\r\nm-ready\r\n"
        b"m-[Expecting 8 bytes]\r\nm-ready\r\nm-buffer-00-01-02-03-04-05-06-07\r\nm-ready\r\n"
    )


def lap_free(answer: bytes) -> bytes:
    return re.sub(rb"m-lap-us-\d+", b"m-lap-us-T", answer)


def infer_answer(runs: int, warmups: int) -> bytes:
    return (
        b"m-warmup-start-%d\r\nm-warmup-done\r\nm-infer-start-%d\r\n"
        b"m-lap-us-T\r\nm-lap-us-T\r\nm-infer-done\r\n" % (warmups, runs)
    ) + RESULTS


def test_a_kept_input_survives_many_runs(apps: dict[int, Path]) -> None:
    answer = lap_free(ask(apps[12], LOAD + b"infer 10 1%infer%infer 3%results%out%"))
    assert answer == (
        LOADED
        + infer_answer(10, 1)
        + READY
        + infer_answer(1, 10)
        + READY
        + infer_answer(3, 10)
        + READY
        + RESULTS
        + READY
        + b"m-out-0-[01020304]\r\nm-out-1-[0000C03F]\r\n"
        + READY
    )


def test_without_a_buffer_each_run_needs_its_own_load(apps: dict[int, Path]) -> None:
    survive = b"e-[The input does not survive a run on this board: infer 1 0]\r\n"
    load_first = b"e-[load the input first]\r\n"
    sent = LOAD + b"infer 2 0%infer%infer 1 0%infer 1 0%results%db load 10%results%" + LOAD
    assert lap_free(ask(apps[0], sent + b"infer 1 0%")) == (
        LOADED
        + (survive + READY) * 2
        + infer_answer(1, 0)
        + READY
        + load_first
        + READY
        + RESULTS
        + READY
        + b"m-[Expecting 10 bytes]\r\nm-ready\r\n"
        + b"e-[infer first: there are no results]\r\nm-ready\r\n"
        + LOADED
        + infer_answer(1, 0)
        + READY
    )


@pytest.mark.parametrize("db_bytes", [0, 12])
def test_a_run_that_fails_says_so(apps: dict[int, Path], db_bytes: int) -> None:
    sent = LOAD + b"db load 10%db 0001020304050607087f%infer 1 0%results%"
    answer = ask(apps[db_bytes], sent).removeprefix(LOADED)
    assert b"e-[The run failed with status 2]\r\nm-ready\r\n" in answer
    assert answer.endswith(b"e-[infer first: there are no results]\r\nm-ready\r\n")


def test_crc_of_each_step_looks_at_the_payload_only(apps: dict[int, Path]) -> None:
    first, second = zlib.crc32(bytes(range(4))), zlib.crc32(bytes(range(1, 5)))
    assert ask(apps[0], LOAD + b"crc%") == LOADED + (
        f"m-crc-step-[0 {first:08X}]\r\nm-crc-step-[1 {second:08X}]\r\n"
        f"m-crc-[{second:08X}]\r\nm-ready\r\n"
    ).encode("ascii")


def test_cycles_need_no_input(apps: dict[int, Path]) -> None:
    assert re.fullmatch(
        rb"m-cyc-\[hz=1000000000 steps=2 total=\d+\]\r\n"
        rb"m-cyc-step-\[0 \d+\]\r\nm-cyc-step-\[1 \d+\]\r\nm-ready\r\n",
        ask(apps[0], b"cyc%"),
    )


def test_build_is_the_crc_of_the_executable(apps: dict[int, Path]) -> None:
    crc = zlib.crc32(apps[0].read_bytes())
    assert ask(apps[0], b"build%") == f"m-build-[{crc:08x}]\r\nm-ready\r\n".encode("ascii")


def test_banner_and_time(apps: dict[int, Path]) -> None:
    done = subprocess.run([apps[0]], input=b"timestamp%", capture_output=True, check=True)
    assert re.fullmatch(
        rb"m-timestamp-mode-performance\r\nm-lap-us-\d+\r\nm-init-done\r\nm-ready\r\n"
        rb"m-lap-us-\d+\r\nm-ready\r\n",
        done.stdout,
    )


def test_help_names_every_command(apps: dict[int, Path]) -> None:
    text = ask(apps[0], b"help%").decode("ascii")
    assert text.startswith("ULPMark for tinyML Firmware V0.0.1\r\n\r\n")
    source = (APPLICATION[0].parent / "commands.c").read_text()
    names = re.findall(r'\{"(\w+)", do_', source)
    names = [name for name in names if name not in ("boxes", "split", "window", "get")]
    assert len(names) == 15  # and those of detectors, of heads, of energy mode, of large outputs
    assert [name for name in names if not re.search(rf"\b{name}\b", text)] == []


WORDS = (b"db ", b"db load ", b"infer ", b"in ", b"%", b"1", b"0", b"f0", b" ", b"-")


def garbage(rng: random.Random) -> bytes:
    """Bytes of any value, or words of the protocol without sense."""
    if rng.random() < 0.5:
        return rng.randbytes(rng.randrange(300))
    return b"".join(rng.choices(WORDS, k=rng.randrange(30)))


@pytest.mark.parametrize("seed", range(12))
def test_garbage_never_spoils_the_next_command(apps: dict[int, Path], seed: int) -> None:
    rng = random.Random(seed)
    pieces = [garbage(rng) for _ in range(40)]
    # `infer` with a large number is a long job, not garbage.
    sent = b"".join(piece.replace(b"infer", b"inf") + b"%name%" for piece in pieces)
    answer = ask(apps[12], sent)
    assert answer.count(READY) == sent.count(b"%")
    assert answer.count(b"m-name-dut-[edgebottle]\r\n") >= len(pieces)
    assert answer.endswith(b"m-name-dut-[edgebottle]\r\n" + READY)
    assert all(line[:2] in (b"m-", b"e-", b"") for line in answer.split(b"\r\n"))


FORMAT_MAIN = """
#include "format.h"
#include "eb_port.h"
#include "receive.h"
#include <stdio.h>
void eb_port_putc(char c) { putchar(c); }
void bench_receive(void) {}
int main(void)
{
    char kind; unsigned long long bits;
    while (scanf(" %c%llx", &kind, &bits) == 2) {
        union { uint32_t bits; float real; } word = {(uint32_t)bits};
        if (kind == 'd') { bench_put_decimal(bits); } else { bench_put_milli(word.real); }
        putchar('\\n');
    }
    return 0;
}
"""


@pytest.fixture(scope="session")
def formatter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("format")
    (folder / "main.c").write_text(FORMAT_MAIN)
    source = APPLICATION[0].parent / "format.c"
    command = ["-O1", *INCLUDES, str(folder / "main.c"), str(source), "-o", str(folder / "format")]
    subprocess.run([*sanitizing_compiler(), *command], check=True, capture_output=True)
    return folder / "format"


def formatted(formatter: Path, words: list[str]) -> list[str]:
    text = "\n".join(words)
    done = subprocess.run([formatter], input=text, capture_output=True, check=True, text=True)
    return done.stdout.split()


def test_decimals(formatter: Path) -> None:
    powers = [10**n + d for n in range(20) for d in (-1, 0, 1)]
    values = [*powers, *(2**n + d for n in range(64) for d in (-1, 0, 9)), 2**64 - 1]
    values += [(n * 0x9E3779B97F4A7C15) % 2**64 for n in range(20_000)]
    values = [value for value in values if 0 <= value < 2**64]
    assert formatted(formatter, [f"d{value:x}" for value in values]) == [str(v) for v in values]


MILLI = [
    (0x00000000, "0.000"),
    (0x80000000, "0.000"),
    (0x3F800000, "1.000"),
    (0x3F7F0000, "0.996"),  # 255/256: cut off, not rounded
    (0x3B800000, "0.003"),  # 1/256
    (0xBB800000, "-0.003"),
    (0xB8D1B717, "0.000"),  # -0.0001
    (0xC2F6E979, "-123.456"),
    (0x00000001, "0.000"),
    (0x4B000000, "8388608.000"),
    (0x7F800000, "inf"),
    (0xFF800000, "-inf"),
    (0x7F7FFFFF, "inf"),
    (0x7FC00000, "nan"),
]


def test_milli(formatter: Path) -> None:
    assert formatted(formatter, [f"m{bits:x}" for bits, _ in MILLI]) == [text for _, text in MILLI]


@pytest.mark.parametrize("model", [FAKE, FAKE_ROWS], ids=lambda model: model.name)
@pytest.mark.parametrize("cpu", ["cortex_m0", "cortex_m7"])
def test_application_compiles_for_chips_and_stays_small(
    tmp_path: Path, cpu: str, model: Path
) -> None:
    from elftools.elf.elffile import ELFFile

    total = 0
    for source in APPLICATION:
        target = tmp_path / f"{source.stem}.o"
        flags = f"-target thumb-freestanding-eabi -mcpu={cpu} -Os -fno-sanitize=all".split()
        flags += ["-fno-unwind-tables", "-DEB_CLOCK_HZ=16000000", "-c", str(source)]
        command = [*ZIG, *flags, *WARNINGS, *INCLUDES, f"-I{model}", "-o", str(target)]
        subprocess.run(command, check=True, capture_output=True)
        with target.open("rb") as file:
            sections = ELFFile(file).iter_sections()
            total += sum(s["sh_size"] for s in sections if s.name.startswith((".text", ".rodata")))
    assert total < 7500, f"{cpu}: {total} bytes"


# What the client sends without waiting. Nothing may be sent behind a command that runs the network.
AHEAD = [
    LOAD,
    b"db load 10%" + b"db 0001020304%" * 2 + b"db load 10%db 00010203040506070809%",
    b"%name%db load 10%db 00010203040506070809%infer 1 0%",
    b"db load 10%put " + input_frame(0, bytes(range(10))) + b"%name%baud 1%mem%",
]


@pytest.mark.parametrize("sent", AHEAD)
def test_a_uart_without_a_buffer_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory, sent: bytes
) -> None:
    folder = tmp_path_factory.mktemp("slow")
    answer = ask(build_host(folder, 12, FAKE.parent / "slow_port"), sent)
    assert answer.endswith(b"lost 0\r\n")
    assert answer.count(READY) == sent.count(b"%")
    assert sent.count(b"db load") >= answer.count(b"m-load-done") > 0
