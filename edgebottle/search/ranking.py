"""Trains some networks of a study by themselves, to see how well the search has ranked them.

What is trained is kept beside ``search.toml`` network by network, so that a ranking that was
stopped goes on.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from edgebottle.errors import BadInput, ToolMissing
from edgebottle.files import read_file, write_file
from edgebottle.search.candidate_training import (
    CandidateSamples,
    CandidateTraining,
    float_model,
    integer_graph_of,
    search_data,
)
from edgebottle.search.settings import SearchSettings
from edgebottle.search.trials import SearchTrial, network_key
from edgebottle.training import litert_accuracy, start_keras
from quantize.search.ranking import RankedNetwork, Ranking
from quantize.search.report import network_words

MIN_RANKED = 3
"""Networks of which a rank correlation says anything at all."""

MAX_BYTES = 1 << 20

Progress = Callable[[str, int, int], None]


def spread(trials: Sequence[SearchTrial], count: int) -> list[SearchTrial]:
    """As many networks, evenly from the one that the search liked best to the worst.

    Args:
        trials: Of a study.
        count: Of networks, ``MIN_RANKED`` or more.

    Raises:
        BadInput: the study has not assessed as many as a ranking needs.
    """
    order = _ordered(trials)
    count = min(count, len(order))
    return [order[round(number * (len(order) - 1) / (count - 1))] for number in range(count)]


def best_of(trials: Sequence[SearchTrial], count: int) -> list[SearchTrial]:
    """As many networks as ``spread``, but those that the search liked best."""
    return _ordered(trials)[:count]


def _ordered(trials: Sequence[SearchTrial]) -> list[SearchTrial]:
    """A trial of each network that was assessed, the one that the search liked best first."""
    first: dict[str, SearchTrial] = {}
    for trial in trials:
        if trial.result.accuracy is not None:
            first.setdefault(network_key(trial.candidate), trial)
    if len(first) < MIN_RANKED:
        raise BadInput(
            f"the study has assessed {len(first)} networks, and a ranking needs {MIN_RANKED}: "
            "`edgebottle search run` goes on"
        )
    return sorted(first.values(), key=lambda one: (-one.accuracy, one.number))


class RankCheck:
    """Trains networks of one study alike."""

    def __init__(self, settings: SearchSettings, training: CandidateTraining) -> None:
        """Reads what is kept, and the samples.

        Args:
            settings: Of the search.
            training: Of each network.

        Raises:
            BadInput: the samples cannot serve, or what is kept is of another kind.
            ToolMissing: Keras or SciPy is not installed.
        """
        if importlib.util.find_spec("scipy") is None:  # before anything is trained for it
            raise ToolMissing(
                "a ranking needs scipy, which is not installed: pip install 'edgebottle[train]'"
            )
        if settings.space.labels:
            raise BadInput(
                "a ranking trains networks for classes, and this search is for detectors"
            )
        start_keras()
        self._settings, self._training = settings, training
        self._data = search_data(settings)
        self._path = settings.beside("ranking.json")
        self._kept = _kept(self._path)

    def run(self, trials: Sequence[SearchTrial], progress: Progress) -> Ranking:
        """Trains those that are not trained yet.

        Args:
            trials: The networks, the one that the search liked best first.
            progress: Told what is being done.
        """
        found = []
        for number, trial in enumerate(trials, start=1):

            def told(what: str, done: int, total: int, number: int = number) -> None:
                progress(f"network {number} of {len(trials)}: {what}", done, total)

            found.append(
                RankedNetwork(
                    trial=trial.number,
                    searched=trial.accuracy,
                    trained=self._trained(trial, told),
                    network=network_words(trial.candidate),
                    bits=str(trial.candidate.bits),
                )
            )
        return Ranking(self._training.epochs, tuple(found))

    def _trained(self, trial: SearchTrial, progress: Progress) -> float:
        """Accuracy on the samples by which is chosen, as the search saw them."""
        key = json.dumps([network_key(trial.candidate), asdict(self._training)])
        if key not in self._kept:
            candidate = trial.candidate
            shape = candidate.architecture.input_shape
            samples = CandidateSamples.of(self._data, shape, self._settings.seed)
            model = float_model(candidate, samples, self._training, progress)
            how = self._training
            graph = integer_graph_of(candidate, model, samples, how, progress=progress)
            self._kept[key] = litert_accuracy(graph, samples.chosen, progress)
            write_file(self._path, json.dumps(self._kept, indent=1).encode())
        return self._kept[key]


def _kept(path: Path) -> dict[str, float]:
    """Accuracies by network and training; raises ``BadInput`` where a file holds something else."""
    if not path.exists():
        return {}
    try:
        return {str(key): float(one) for key, one in json.loads(read_file(path, MAX_BYTES)).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise BadInput(f"{path} holds something else than a ranking: move it away") from error
