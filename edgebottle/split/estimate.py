"""What is known of a link from replies alone: round-trip time and seconds per byte, and how well.

Nothing is sent to find out. A reply to n bytes took t = r + n b, plus noise; r and b are estimated
together by a Kalman filter (Kalman, 1960) whose state may walk: what was seen long ago counts less.
Where all requests are of one size their sum is known well and their shares are not, which the
covariance says. A time that cannot be noise makes all that was known doubtful: the link changed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

FIRST_RTT, FIRST_PER_BYTE = 0.03, 8 / 2e6
"""Before anything is known: 30 ms, and 2 Mbit/s."""

FIRST_PER_BYTE_DOUBT = 8 / 1e5
"""Standard deviation of the latter: rates differ by more than round-trip times do."""

NOISE_SHARE, NOISE_SECONDS = 0.08, 0.002
"""Standard deviation of a time: of itself, and beside that."""

WALK_RTT, WALK_PER_BYTE = 0.1, 0.35
"""By how much of themselves r and b walk within a second: rates change more than distances do."""

MAX_DOUBT = 1.0
"""Standard deviation of r and b, of themselves, that walking leads to."""

SURPRISE = 3.0
"""Standard deviations that are no noise any more."""

RTT_BLAME = 0.1
"""Standard deviation of r after a surprise, of the whole time; that of n b is the whole."""

_RTT_BOUNDS = (1e-4, 20.0)
_PER_BYTE_BOUNDS = (1e-9, 0.02)


@dataclass(frozen=True)
class LinkEstimate:
    """The state of the filter.

    Attributes:
        rtt: Round-trip time of an empty request, seconds.
        per_byte: Seconds for each byte of a request.
        rtt_variance: Of ``rtt``.
        covariance: Of both.
        per_byte_variance: Of ``per_byte``.
        at: When that was so.
    """

    rtt: float = FIRST_RTT
    per_byte: float = FIRST_PER_BYTE
    rtt_variance: float = (MAX_DOUBT * FIRST_RTT) ** 2
    covariance: float = 0.0
    per_byte_variance: float = FIRST_PER_BYTE_DOUBT**2
    at: float = 0.0

    def at_time(self, now: float) -> LinkEstimate:
        """What is still known at a later time."""
        rtt_kept, byte_kept = (
            math.exp(-max(0.0, now - self.at) * (walk / MAX_DOUBT) ** 2)
            for walk in (WALK_RTT, WALK_PER_BYTE)
        )
        return replace(
            self,
            rtt_variance=_walked(self.rtt_variance, self.rtt, rtt_kept),
            covariance=self.covariance * math.sqrt(rtt_kept * byte_kept),
            per_byte_variance=_walked(self.per_byte_variance, self.per_byte, byte_kept),
            at=max(now, self.at),
        )

    def seconds(self, count: float) -> float:
        """How long a request of so many bytes takes on the link, and its reply."""
        return self.rtt + count * self.per_byte

    def doubt(self, count: float) -> float:
        """Standard deviation of that."""
        found = (
            self.rtt_variance + 2 * count * self.covariance + count * count * self.per_byte_variance
        )
        return math.sqrt(max(0.0, found))

    @property
    def bits_per_second(self) -> float:
        """The link's rate."""
        return 8 / self.per_byte

    def observed(self, now: float, count: float, seconds: float) -> LinkEstimate:
        """With what a reply tells.

        Args:
            now: When it came.
            count: Bytes of the request, and of those before it that were still on the way.
            seconds: From the request to the reply, without the server's time.
        """
        old = self.at_time(now)
        expected = old.seconds(count)
        noise = (NOISE_SHARE * max(expected, seconds)) ** 2 + NOISE_SECONDS**2
        error = seconds - expected
        if error * error > SURPRISE**2 * (old.doubt(count) ** 2 + noise):
            old = old._surprised(count, max(expected, seconds))
        spread = old.doubt(count) ** 2 + noise
        rtt_pull = old.rtt_variance + count * old.covariance
        byte_pull = old.covariance + count * old.per_byte_variance
        return replace(
            old,
            rtt=_within(old.rtt + rtt_pull / spread * error, _RTT_BOUNDS),
            per_byte=_within(old.per_byte + byte_pull / spread * error, _PER_BYTE_BOUNDS),
            rtt_variance=max(0.0, old.rtt_variance - rtt_pull**2 / spread),
            covariance=old.covariance - rtt_pull * byte_pull / spread,
            per_byte_variance=max(0.0, old.per_byte_variance - byte_pull**2 / spread),
        )

    def missed(self, now: float, count: float, waited: float) -> LinkEstimate:
        """With what it tells that no reply has come for so long: it takes that, or longer."""
        if self.seconds(count) >= waited:
            return self.at_time(now)
        return self.observed(now, count, waited)

    def _surprised(self, count: float, seconds: float) -> LinkEstimate:
        """With doubts that cover all of a time, and are no less than before."""
        return replace(
            self,
            rtt_variance=max(self.rtt_variance, (RTT_BLAME * seconds) ** 2),
            covariance=0.0,
            per_byte_variance=max(self.per_byte_variance, (seconds / max(count, 1.0)) ** 2),
        )


def _walked(variance: float, value: float, kept: float) -> float:
    """A variance that grows towards the most; what is above that stays."""
    most = (MAX_DOUBT * value) ** 2
    return max(variance, most + (variance - most) * kept)


def _within(value: float, bounds: tuple[float, float]) -> float:
    return min(max(value, bounds[0]), bounds[1])
