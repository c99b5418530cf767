"""Archives of samples that are not what they should be: one line each, and nothing is unpacked."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgebottle import archives
from edgebottle.archives import read_arrays
from edgebottle.errors import BadInput


def npy(header: str, content: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    """An array as ``numpy.save`` writes it, with any header."""
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text + content


HEADER = "{{'descr': '{}', 'fortran_order': False, 'shape': {}}}"
ARCHIVES = [
    ("no array", {"x.npy": b"hello"}, "'x.npy' is no array"),
    ("empty member", {"x.npy": b""}, "'x.npy' is no array"),
    ("text beside", {"x.npy": npy(HEADER.format("|i1", "(2,)"), b"ab"), "a.txt": b"a"}, "'a.txt'"),
    ("new version", {"x.npy": npy("", version=b"\x09\x00")}, "'x.npy' is no array"),
    ("no header", {"x.npy": npy("7")}, "'x.npy' is no array"),
    ("code", {"x.npy": npy("__import__('os').abort()")}, "'x.npy' is no array"),
    ("deep", {"x.npy": npy("(" * 110)}, "'x.npy' is no array|broken"),
    ("objects", {"x.npy": npy(HEADER.format("|O", "(2,)"), b"ab")}, "'x.npy' holds object"),
    (
        "fields",
        {"x.npy": npy("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': ()}")},
        "'x.npy' holds",
    ),
    ("nothing each", {"x.npy": npy(HEADER.format("|S0", "(1000,)"))}, "'x.npy' holds"),
    ("short", {"x.npy": npy(HEADER.format("|i1", "(3,)"), b"ab")}, "damaged.*but it has 2 bytes"),
    (
        "absurd",
        {"x.npy": npy(HEADER.format("<f8", "(99999999999, 99999999999)"), b"ab")},
        "damaged",
    ),
    ("negative", {"x.npy": npy(HEADER.format("|i1", "(-1, -2)"), b"ab")}, "damaged"),
    ("digits", {"x.npy": npy(HEADER.format("|i1", "(" + "9" * 60 + ",)"))}, "damaged"),
]


def write_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(("name", "members", "message"), ARCHIVES, ids=[row[0] for row in ARCHIVES])
def test_archives_of_no_plain_arrays(
    tmp_path: Path, name: str, members: dict[str, bytes], message: str
) -> None:
    path = write_zip(tmp_path / "s.npz", members)
    with pytest.raises(BadInput, match=message) as caught:
        read_arrays(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_an_archive_is_measured_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.npz"
    np.savez_compressed(path, x=np.zeros(1000, np.int8), y=np.zeros(25))
    monkeypatch.setattr(archives, "MAX_BYTES", 1200)
    assert {name: array.nbytes for name, array in read_arrays(path).items()} == {
        "x": 1000,
        "y": 200,
    }
    monkeypatch.setattr(archives, "MAX_BYTES", 1199)
    monkeypatch.delattr(archives.npy, "read_array")
    with pytest.raises(BadInput, match="save fewer samples"):
        read_arrays(path)


def test_an_archive_of_very_many_members(tmp_path: Path) -> None:
    members = {f"{i}.npy": b"" for i in range(archives.MAX_ARRAYS + 1)}
    with pytest.raises(BadInput, match="it has 1,001 arrays, more than 1,000"):
        read_arrays(write_zip(tmp_path / "s.npz", members))


def test_an_archive_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "s.npz"
    np.savez_compressed(path, x=np.arange(10000))
    whole = path.read_bytes()
    for size in (3, 30, 200, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(BadInput, match=r"(?s)cannot read .*s\.npz: (not an|broken) \.npz file"):
            read_arrays(path)
    path.write_bytes(whole[:100] + bytes(100) + whole[200:])
    with pytest.raises(BadInput, match="broken"):
        read_arrays(path)


@pytest.mark.shared
def test_the_archive_that_crashed(shared: Path) -> None:
    with pytest.raises(BadInput, match="is no array"):
        read_arrays(shared / "cases" / "member_not_npy.npz")
