"""`jobs.toml`: what it may say, and what is said of each mistake."""

import datetime
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from edgebottle.bench.jobs_file import DEADLINES, JobsFile, read_jobs
from edgebottle.errors import BadInput
from hil.bench.entries import read_bench
from tests.cli.command_line import DIGITS
from tests.lab.test_bench_file import bench_file

TEXT = """\
version = 1
name = "nightly"
retries = 1

[deadlines]
flash = 60

[[job]]
models = ["digits"]
boards = ["all"]
schedules = ["auto", "min-ram"]
samples = [2, 8]

[[job]]
models = ["nets/*.tflite"]
boards = ["nucleo_l4r5zi"]
inputs = ["test.npz"]
runs = 10
ram = "64k"

[[quarantine]]
model = "digits"
schedule = "min-ram"
reason = "issue 7"
until = 2026-12-24
"""


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A bench of three, a folder with two networks, and samples."""
    bench_file(tmp_path)
    (tmp_path / "nets").mkdir()
    for name in ("a", "b"):
        shutil.copy(DIGITS, tmp_path / "nets" / f"{name}.tflite")
    np.savez(tmp_path / "test.npz", x=np.zeros((3, 8, 8, 1), np.int8))
    return tmp_path


def read(lab: Path, text: str = TEXT) -> JobsFile:
    (lab / "jobs.toml").write_text(text, encoding="utf-8")
    return read_jobs(lab / "jobs.toml", read_bench(lab / "bench.toml"))


def test_what_it_says(lab: Path) -> None:
    found = read(lab)
    first, second = found.jobs[:12], found.jobs[12:]
    assert [(job.board, job.schedule, job.samples) for job in first] == [
        (board, schedule, count)
        for board in ("left", "right", "double")
        for schedule in ("auto", "min-ram")
        for count in (2, 8)
    ]
    assert [(job.model, job.board, job.ram) for job in second] == [
        (name, "nucleo_l4r5zi", 65536) for name in ("nets/a.tflite", "nets/b.tflite")
    ]
    assert {job.sample_words for job in second} == {"all of test.npz"}
    assert (found.name, found.retries) == ("nightly", 1)
    assert found.deadlines == {**DEADLINES, "flash": 60.0}
    day = datetime.date(2026, 12, 24)
    left_out = [job for job in found.jobs if found.quarantine_of(job, day)]
    assert {(job.model, job.schedule) for job in left_out} == {("digits", "min-ram")}
    assert not any(found.quarantine_of(job, day.replace(day=25)) for job in found.jobs)


def test_who_may_do_a_job(lab: Path) -> None:
    bench = read_bench(lab / "bench.toml")
    jobs = read(lab).jobs
    names = [[entry.name for entry in job.candidates(bench)] for job in (jobs[0], jobs[-1])]
    assert names == [["left"], ["left"]]  # by its name, and by the id of its board file


def test_a_job_is_what_it_does(lab: Path) -> None:
    """The same in another folder; another one with another file of the same name."""
    before = read(lab)
    moved = lab.parent / f"{lab.name}-moved"
    shutil.copytree(lab, moved)
    assert [job.key for job in read(moved).jobs] == [job.key for job in before.jobs]
    assert len({job.key for job in before.jobs}) == len(before.jobs)
    np.savez(lab / "test.npz", x=np.ones((3, 8, 8, 1), np.int8))
    same = [one.key == two.key for one, two in zip(before.jobs, read(lab).jobs, strict=True)]
    assert same == [True] * 12 + [False] * 2


def test_what_two_tables_ask_for_is_done_once(lab: Path) -> None:
    table = '\n[[job]]\nmodels = ["digits"]\nboards = ["left"]\nsamples = [2]\n'
    assert len(read(lab, TEXT + table).jobs) == len(read(lab).jobs)


# what is changed, into what, what is said
WRONG = [
    ("version = 1", "version = 2", "is of version 2, .* docs/bench.md shows such a file"),
    ("retries = 1", "retries = 3", "'retries' is 3: it must be a whole number, 0 to 2"),
    ("retries = 1", "retires = 1", "unknown key 'retires': did you mean 'retries'"),
    ("flash = 60", "flsh = 60", "unknown key 'deadlines.flsh': did you mean 'flash'"),
    ("flash = 60", "flash = 0", "'deadlines.flash' is 0: it must be a number of seconds above 0"),
    (
        '["digits"]',
        '["digit"]',
        r"'job 1: models': there is no file .*/digit \(networks of the zoo: .*digits",
    ),
    ('["digits"]', "[]", "'job 1: models' is .* it must be a list such as .*, not empty"),
    ('["nets/*.tflite"]', '["nets/*.onnx"]', r"'job 2: models': no file fits nets/\*.onnx"),
    ('["all"]', '["lefft"]', "'job 1: boards': there is no 'lefft': did you mean 'left'"),
    ('["all"]', '["teensy40"]', r"has no teensy40; it has left \(nucleo_l4r5zi\), right \(micr"),
    ('"min-ram"]', '"min_ram"]', "'job 1: schedules' .* did you mean 'min-ram'"),
    ("[2, 8]", "[2, 2]", "'job 1: samples' .* a list of different values"),
    ('"test.npz"', '"tset.npz"', "'job 2: inputs': cannot read .*tset.npz: No such file"),
    ('ram = "64k"', 'ram = "64q"', "'job 2: ram' is '64q': it must be a number of bytes"),
    ('reason = "issue 7"\n', "", "key 'quarantine 1: reason' is missing"),
    ('model = "digits"', 'model = "vww"', "quarantine 1: no job has model vww, schedule min-ram"),
    (
        'model = "digits"\nschedule = "min-ram"\n',
        "",
        "'quarantine 1: model', 'board' or 'schedule' must say what is left out",
    ),
]


@pytest.mark.parametrize(("before", "after", "message"), WRONG)
def test_mistakes(lab: Path, before: str, after: str, message: str) -> None:
    assert TEXT.count(before) == 1
    with pytest.raises(BadInput) as caught:
        read(lab, TEXT.replace(before, after))
    assert str(caught.value).startswith(str(lab / "jobs.toml"))
    assert re.search(message, str(caught.value)), caught.value
