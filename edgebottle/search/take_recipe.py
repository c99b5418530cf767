"""What is taken from a search, and how: all that makes the result once more."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from edgebottle import __version__
from edgebottle.errors import BadInput
from edgebottle.files import read_file
from edgebottle.search.candidate_training import CandidateTraining
from edgebottle.search.trials import SearchTrial
from edgebottle.zoo.augmentation import Augmentation
from quantize.search.space import Candidate

MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class TakenCandidate:
    """What is taken.

    Attributes:
        candidate: The network, its bits and how it is run.
        trial: Of the study; None for a network of another origin.
        searched: Its accuracy as the search saw it; None where none did.
    """

    candidate: Candidate
    trial: int | None = None
    searched: float | None = None

    @classmethod
    def of(cls, trial: SearchTrial) -> TakenCandidate:
        """That of a trial with accuracy."""
        return cls(trial.candidate, trial.number, trial.accuracy)


@dataclass(frozen=True)
class TakeRecipe:
    """What decides the result: on one computer, with the same versions, to the last bit.

    Attributes:
        name: Of the network.
        board: Id.
        limits: What it shall take at most, by name.
        taken: What.
        training: How it is trained, as far as that can be chosen.
        fixed: What else decides training, by name.
        samples: SHA-256 of all samples.
        split_seed: Of parting them.
    """

    name: str
    board: str
    limits: Mapping[str, float]
    taken: TakenCandidate
    training: CandidateTraining
    fixed: Mapping[str, float]
    samples: str
    split_seed: int

    @property
    def digest(self) -> str:
        """Other recipes have another one."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def to_json(self) -> str:
        """What ``read`` reads."""
        table = {**asdict(self), "edgebottle": __version__}
        table["taken"]["candidate"] = self.taken.candidate.to_json()
        return json.dumps(table, indent=1)

    @classmethod
    def read(cls, path: Path) -> TakeRecipe:
        """The recipe of a file; raises ``BadInput``."""
        try:
            table = json.loads(read_file(path, MAX_BYTES))
            table.pop("edgebottle")
            taken, training = table["taken"], table["training"]
            return cls(
                **{
                    **table,
                    "taken": TakenCandidate(
                        **{**taken, "candidate": Candidate.of_json(taken["candidate"])}
                    ),
                    "training": CandidateTraining(
                        **{**training, "augmentation": Augmentation(**training["augmentation"])}
                    ),
                }
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadInput(f"{path} is no recipe of a network that was taken: {error}") from error

    def check(self, other: TakeRecipe, path: Path) -> None:
        """Raises ``BadInput`` where another recipe, of a file, would not give what this one does.

        Args:
            other: Of the file.
            path: The file.
        """
        if other.samples != self.samples or other.split_seed != self.split_seed:
            raise BadInput(f"{path} is of other samples than search.toml names, or parts them else")
        if other != self:
            raise BadInput(f"{path} was written by another version of edgebottle, or changed")
