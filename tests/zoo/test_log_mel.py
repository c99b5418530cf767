"""Log mel energies: where a tone is, and what is refused."""

import io
import wave
import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgebottle.errors import BadInput
from edgebottle.zoo import spoken_digits
from edgebottle.zoo.log_mel import LogMel, read_wav

HOW = LogMel(rate=8000, window=256, hop=128, mels=20)


def tone(hertz: float, rate: int = 8000, seconds: float = 0.5, channels: int = 1) -> bytes:
    samples = np.sin(2 * np.pi * hertz * np.arange(0, seconds, 1 / rate)) * 20_000
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(np.repeat(samples.astype(np.int16), channels).tobytes())
    return file.getvalue()


@pytest.mark.parametrize("rate", [8000, 16_000])
def test_a_tone_is_in_its_band(rate: int) -> None:
    bands = []
    for hertz in (300, 1000, 3000):
        energies = HOW.energies(read_wav(tone(hertz, rate), HOW.rate, "tone"))
        assert energies.shape == (1 + (4000 - 256) // 128, 20)
        (band,) = set(energies.argmax(axis=1).tolist())
        mel = 2595 * np.log10(1 + hertz / 700) / (2595 * np.log10(1 + 4000 / 700))
        assert abs(band - (mel * 21 - 1)) < 1
        bands.append(band)
    assert bands == sorted(bands)


def test_silence_is_added_and_doubled_power_is_three_decibels() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 700)
    energies = HOW.energies(noise, least=9)
    assert energies.shape == (9, 20)
    assert (energies[-1] < -150).all()
    louder = HOW.energies(np.sqrt(2) * noise)
    assert np.allclose(louder - HOW.energies(noise), 10 * np.log10(2), atol=1e-6)


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"RIFF", "cannot be read as a WAV file"), (tone(300, channels=2), "one channel of 16 bits")],
)
def test_what_is_no_sound_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read_wav(data, 8000, "x.wav")


def test_recordings_are_parted_by_their_names(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"recordings\.zip"):
        spoken_digits.load_data(tmp_path)
    with zipfile.ZipFile(tmp_path / "recordings.zip", "w") as archive:
        archive.writestr("readme.txt", "")
    with pytest.raises(BadInput, match="no recordings"):
        spoken_digits.load_data(tmp_path)
    with zipfile.ZipFile(tmp_path / "recordings.zip", "w") as archive:
        for name in ("3_ann_0", "3_ann_5", "4_bob_49"):
            archive.writestr(f"recordings/{name}.wav", tone(500))
    data = spoken_digits.load_data(tmp_path)
    assert data.test_labels.tolist() == [3]
    assert data.train_labels.tolist() == [3, 4]
    assert data.train_images.shape == (2, 48, 32, 1)
    assert 0 <= data.train_images.min() < data.train_images.max() <= 1
