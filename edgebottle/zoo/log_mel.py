"""Log mel energies of sounds, in NumPy: what networks for speech and machines look at.

Mel scale: O'Shaughnessy, "Speech Communication: Human and Machine", 1987; triangles of equal area.
"""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from edgebottle.errors import BadInput

SILENCE = np.finfo(np.float64).eps
"""Power that is added, so that silence has a logarithm."""


@dataclass(frozen=True)
class LogMel:
    """How energies are computed.

    Attributes:
        rate: Samples a second; sounds of another rate are interpolated.
        window: Samples of a frame, weighted by a Hann window.
        hop: Samples from one frame to the next.
        mels: Bands of each frame.
    """

    rate: int
    window: int
    hop: int
    mels: int

    def energies(self, sound: NDArray[np.float64], least: int = 1) -> NDArray[np.float64]:
        """Decibels of each band in each frame: (frames, mels).

        Args:
            sound: Samples at ``rate``, -1 .. 1; silence is added up to ``least`` frames.
            least: Frames.
        """
        missing = self.window + self.hop * (least - 1) - len(sound)
        sound = np.pad(sound, (0, max(0, missing)))
        starts = range(0, len(sound) - self.window + 1, self.hop)
        frames = np.stack([sound[start : start + self.window] for start in starts])
        power = np.abs(np.fft.rfft(frames * np.hanning(self.window))) ** 2
        return np.asarray(10 * np.log10(power @ _bank(self).T + SILENCE))


@lru_cache
def _bank(how: LogMel) -> NDArray[np.float64]:
    """(mels, bins): the weights of each band."""
    mel = np.linspace(0, 2595 * np.log10(1 + how.rate / 2 / 700), how.mels + 2)
    hertz = 700 * (10 ** (mel / 2595) - 1)
    bins = np.fft.rfftfreq(how.window, 1 / how.rate)
    low, middle, high = hertz[:-2, None], hertz[1:-1, None], hertz[2:, None]
    rising, falling = (bins - low) / (middle - low), (high - bins) / (high - middle)
    return np.asarray(np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low))


def read_wav(data: bytes, rate: int, what: str) -> NDArray[np.float64]:
    """The samples of a mono 16-bit WAV file, interpolated to ``rate``.

    Args:
        data: The file.
        rate: Samples a second that are wanted.
        what: Its name, for messages.

    Raises:
        BadInput: it is no such file.
    """
    try:
        with wave.open(io.BytesIO(data)) as sound:
            if sound.getnchannels() != 1 or sound.getsampwidth() != 2:
                raise BadInput(f"{what}: a WAV file with one channel of 16 bits is needed")
            samples = np.frombuffer(sound.readframes(sound.getnframes()), np.int16) / 32768
            own = sound.getframerate()
    except (wave.Error, EOFError) as error:
        raise BadInput(f"{what}: cannot be read as a WAV file ({error})") from error
    if own == rate:
        return samples
    times = np.arange(0, len(samples) / own, 1 / rate)
    return np.asarray(np.interp(times, np.arange(len(samples)) / own, samples))
