"""The search itself: constrained, of several objectives, by any number of workers.

Every trial is drawn from the seed of the settings and what the study holds, and from nothing else:
a study that was stopped and goes on is the study that was never stopped.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from edgebottle.boards import load_board
from edgebottle.errors import BadInput
from edgebottle.fit import REGIONS, is_alone
from edgebottle.search.costs import CandidateCost
from edgebottle.search.locks import wait_for
from edgebottle.search.narrowing import narrowed
from edgebottle.search.settings import SearchSettings
from edgebottle.search.sharing import Workplace
from edgebottle.search.trials import (
    IMPOSSIBLE,
    CandidateCosts,
    DrawnSpace,
    Evaluator,
    Outcome,
    SearchTrial,
    TrialResult,
    breach,
    keeps,
    network_key,
)
from quantize.search.space import Candidate, Choice

POPULATION = (4, 32)
"""Of the evolution, at least and at most; between them, ``GENERATIONS`` of it make the trials."""

GENERATIONS = 6
"""Half of them are of what a search begins with: the others descend from the best of these."""

CROSSOVER = 0.5
"""How often a child has two parents: halves of two good networks are seldom a good one."""

CHANGES = 2
"""Parameters of a child that are drawn anew, on average; about half of all have no use in it."""

STARTUP = 32
"""Trials before the model of ``tpe`` is asked."""

MAX_VAIN = 5_000
"""Trials in a row that need no training, behind which the search ends: the space is exhausted."""

WORKER_OF, NARROWED, NETWORK, RESULT = "worker", "narrowed", "network", "result"
"""What is kept of a trial: who has it, how what it drew was made to fit, which network it assesses,
and how it ended."""

Told = Callable[[SearchTrial], None]


class NoStudy(BadInput):
    """The storage has no study of this name yet."""


@dataclass(frozen=True)
class Limits:
    """The budgets that a study keeps.

    Attributes:
        most: The most of each, by name.
        without: The budget of the settings that it does without; None where it keeps all.
    """

    most: dict[str, float]
    without: str | None = None

    @classmethod
    def of(cls, settings: SearchSettings, without: str | None = None) -> Limits:
        """Those of the settings but one, and what memory their board has in any case.

        Raises:
            BadInput: they have no such budget, or it cannot be kept to.
            BoardNotFound: there is no such board.
        """
        board = load_board(settings.board)
        if is_alone(board):
            raise BadInput(f"{board.id} is no board with memory: see `edgebottle boards`")
        most = settings.budget.limits()
        if without is not None and most.pop(without, None) is None:
            raise BadInput(f"there is no budget of {without} to do without")
        for region in REGIONS:
            size = board.region(region).size
            most[region] = min(most.get(region, size), size)
        return cls(most, without)

    def study_name(self, settings: SearchSettings) -> str:
        """Of the study in its storage."""
        return settings.name if self.without is None else f"{settings.name} without {self.without}"


class SearchStudy:
    """A study in its storage, as one of its workers sees it.

    Attributes:
        settings: What is searched.
        limits: That it keeps.
        assessed: Candidates whose accuracy was found out, when this worker last looked.
        best: The largest accuracy then, 0 .. 1.
    """

    def __init__(
        self,
        settings: SearchSettings,
        place: Workplace,
        limits: Limits | None = None,
        *,
        create: bool = True,
    ) -> None:
        """Opens the study.

        Args:
            settings: What is searched.
            place: Its storage.
            limits: That it keeps; None for all of the settings.
            create: Make it, where it is not there yet.

        Raises:
            BadInput: it is there, but was begun with other settings; or it is not there.
        """
        self.settings, self.place = settings, place
        self.limits = limits or Limits.of(settings)
        self.drawn = DrawnSpace(settings.space)
        self.assessed, self.best = 0, 0.0
        each = (None, *settings.budget.limits())
        self._names = [Limits.of(settings, one).study_name(settings) for one in each]
        with place.turn():
            self._study = self._opened(create)
        self._others = {self.limits.study_name(settings): self._study}

    def _opened(self, create: bool) -> Any:
        import optuna

        name = self.limits.study_name(self.settings)
        said = _said(self.settings)
        names = optuna.get_all_study_names(self.place.storage)
        if name in names:
            study = optuna.load_study(study_name=name, storage=self.place.storage)
            _check_same(study.user_attrs.get("settings"), said, name)
            return study
        if not create:
            raise NoStudy(f"there is no study '{name}' in its storage yet: run it first")
        study = optuna.create_study(
            study_name=name,
            storage=self.place.storage,
            directions=["maximize"] + ["minimize"] * len(self.settings.objectives),
        )
        study.set_user_attr("settings", said)
        return study

    def trials(self) -> list[SearchTrial]:
        """Those that have ended, in order."""
        return [
            SearchTrial(
                one.number,
                self._candidate(one),
                TrialResult.of_json(told),
                one.user_attrs[WORKER_OF],
            )
            for one in self._study.get_trials(deepcopy=False)
            if one.state.is_finished() and (told := one.user_attrs.get(RESULT))
        ]

    def is_new(self) -> bool:
        """Whether nothing was drawn yet."""
        return not self._study.get_trials(deepcopy=False)

    def _candidate(self, trial: Any) -> Candidate:
        places = trial.user_attrs.get(NARROWED, trial.params)
        return self.settings.space.candidate(self.drawn.choice(places))

    def run(
        self,
        costs: CandidateCosts,
        evaluator: Evaluator,
        told: Told = lambda trial: None,
        first: Sequence[Choice] = (),
    ) -> None:
        """Works until as many candidates are assessed as the settings say.

        Trials of workers that have gone are taken up; those of others are waited for.

        Args:
            costs: Of candidates.
            evaluator: Called once for each network, by whichever worker.
            told: Called with each trial that this worker has ended.
            first: What a new study begins with, where it is not drawn at random; none for what
                its sampler draws.
        """
        while held := wait_for(lambda: self._take(first)):
            for trial in held:
                start = time.monotonic()
                result = self._result(trial, costs, evaluator)
                result = replace(result, seconds=result.seconds or time.monotonic() - start)
                if self._tell(trial, result):
                    told(SearchTrial(trial.number, self._candidate(trial), result))

    def _take(self, first: Sequence[Choice]) -> list[Any] | None:
        """A trial, in a list that is empty where none is left; None where one may still be."""
        from optuna.trial import Trial, TrialState

        with self.place.turn():
            trials = self._study.get_trials(deepcopy=False)
            running = [one for one in trials if one.state == TrialState.RUNNING]
            for one in running:
                worker = one.user_attrs.get(WORKER_OF)  # None where it was stopped at the draw
                if worker is None or not self.place.is_there(worker):
                    self._study.sampler = self._sampler(one.number)
                    # Optuna takes up a trial of another process in no other way.
                    return [self._claim(Trial(self._study, one._trial_id))]
            assessed = [one for one in trials if _was_assessed(one)]
            self.assessed = len(assessed)
            self.best = max((one.user_attrs[RESULT]["accuracy"] for one in assessed), default=0.0)
            last = assessed[-1].number if assessed else 0
            if self.assessed >= self.settings.trials or len(trials) - last > MAX_VAIN:
                return None if running else []
            if self.assessed + len(running) < self.settings.trials:
                return [self._ask(trials, first)]
            return None

    def _ask(self, trials: list[Any], first: Sequence[Choice]) -> Any:
        """A new trial, claimed."""
        from optuna.trial import TrialState

        number = len(trials)
        if not any(one.state == TrialState.WAITING for one in trials):
            if self.settings.sampler == "random":
                generator = random.Random(f"{self.settings.seed} {number}")
                drawn = self.settings.space.drawn(generator)
                self._study.enqueue_trial(self.drawn.places(drawn))
            elif number == 0:
                for choice in first:
                    self._study.enqueue_trial(self.drawn.places(choice))
        self._study.sampler = self._sampler(number)
        return self._claim(self._study.ask())

    def _claim(self, trial: Any) -> Any:
        """Says whose it is, and draws what is not drawn yet."""
        trial.set_user_attr(WORKER_OF, self.place.worker)
        # Asking gives it its generation, which one of which all is said would lack: evolution would
        # begin at random, and never see what the study began with.
        _ = trial.relative_params
        self.drawn.suggest(trial)
        return trial

    def _sampler(self, number: int) -> Any:
        """What draws a trial: the same whoever draws it, and whenever."""
        from optuna.samplers import NSGAIISampler, RandomSampler, TPESampler

        seed = random.Random(f"{self.settings.seed} {number}").randrange(1 << 32)
        if self.settings.sampler == "nsga2":
            least, most = POPULATION
            parameters = len(list(self.settings.space.parameters()))
            return NSGAIISampler(
                population_size=min(max(self.settings.trials // GENERATIONS, least), most),
                crossover_prob=CROSSOVER,
                mutation_prob=min(1.0, CHANGES / parameters),
                seed=seed,
            )
        if self.settings.sampler == "tpe":
            return TPESampler(n_startup_trials=STARTUP, multivariate=True, seed=seed)
        return RandomSampler(seed=seed)

    def _result(self, trial: Any, costs: CandidateCosts, evaluator: Evaluator) -> TrialResult:
        """What a candidate takes, and how accurate it is where it keeps to the budgets."""
        if RESULT in trial.user_attrs:  # a worker was stopped just before it ended the trial
            return TrialResult.of_json(trial.user_attrs[RESULT])
        try:
            cost = self._cost(trial, costs)
        except IMPOSSIBLE as error:
            return TrialResult(Outcome.IMPOSSIBLE, why=str(error))
        candidate = self._candidate(trial)
        shares = breach(cost, self.limits.most)
        for name, share in shares.items():
            if name not in trial.constraints:  # as a worker may have left it
                trial.set_constraint(name, share)
        if any(share > 0 for share in shares.values()):
            return TrialResult(Outcome.OVER_BUDGET, cost)
        known = wait_for(lambda: self._known(trial, network_key(candidate)))
        if known:
            return TrialResult(Outcome.REPEATED, cost, known[0])
        return TrialResult(Outcome.ASSESSED, cost, evaluator.accuracy(candidate))

    def _cost(self, trial: Any, costs: CandidateCosts) -> CandidateCost:
        """Of what was drawn, which is made narrower first where it does not fit and then would.

        Raises:
            EdgebottleError: one of ``IMPOSSIBLE``: it cannot be built at all.
        """
        cost = costs.of(self._candidate(trial))
        if keeps(cost, self.limits.most):
            return cost
        choice = self.drawn.choice(trial.params)
        found = narrowed(self.settings.space, choice, costs, self.limits.most)
        if found is None:
            return cost
        narrower, cost = found
        trial.set_user_attr(NARROWED, self.drawn.places(narrower))
        return cost

    def _known(self, trial: Any, network: str) -> list[float] | None:
        """The accuracy of a network, in a list; None while another worker is about to know.

        An empty list says that nobody is: then it is claimed for this trial.
        """
        with self.place.turn():
            for one in self._related():
                if one.user_attrs.get(NETWORK) != network:
                    continue
                if RESULT in one.user_attrs:
                    return [one.user_attrs[RESULT]["accuracy"]]
                worker = one.user_attrs[WORKER_OF]
                if worker != self.place.worker and self.place.is_there(worker):
                    return None
            trial.set_user_attr(NETWORK, network)
            return []

    def _related(self) -> Iterator[Any]:
        """All trials of the studies of these settings, as Optuna has them."""
        import optuna

        missing = [name for name in self._names if name not in self._others]
        there = optuna.get_all_study_names(self.place.storage) if missing else ()
        for name in set(missing).intersection(there):
            self._others[name] = optuna.load_study(study_name=name, storage=self.place.storage)
        for name in self._names:
            if name in self._others:
                yield from self._others[name].get_trials(deepcopy=False)

    def _tell(self, trial: Any, result: TrialResult) -> bool:
        """Keeps a result, and ends its trial; False where another worker has it meanwhile."""
        from optuna.trial import TrialState

        values, state = None, TrialState.FAIL
        if result.cost is not None:
            further = [asdict(result.cost)[name] for name in self.settings.objectives]
            values, state = [result.accuracy or 0.0, *further], TrialState.COMPLETE
        with self.place.turn():
            trials = self._study.get_trials(deepcopy=False)
            kept = trials[trial.number]
            is_mine = kept.user_attrs.get(WORKER_OF) == self.place.worker
            if kept.state.is_finished() or not is_mine:
                return False
            if result.outcome is Outcome.REPEATED and any(one.values == values for one in trials):
                # Else copies of the best would soon be all that a sampler knows.
                values, state = None, TrialState.FAIL
            trial.set_user_attr(RESULT, asdict(result))
            self._study.tell(trial, values, state=state)
        return True


def _was_assessed(trial: Any) -> bool:
    result = trial.user_attrs.get(RESULT, {})
    return bool(trial.state.is_finished() and result.get("outcome") == Outcome.ASSESSED)


def _said(settings: SearchSettings) -> dict[str, Any]:
    """What must not change while a study is under way."""
    of_whole = ("data", "test", "scale", "board", "evaluator", "objectives")
    told = {
        **{name: getattr(settings, name) for name in of_whole},
        **{f"budget.{name}": one for name, one in asdict(settings.budget).items()},
        **{f"space.{name}": one for name, one in asdict(settings.space).items()},
        "training.epochs": settings.training.epochs,
        "training.samples": settings.training.samples,
    }
    plain: dict[str, Any] = json.loads(json.dumps(told))
    return plain


def _check_same(before: dict[str, Any] | None, now: dict[str, Any], name: str) -> None:
    if before is None:
        raise BadInput(f"the storage has a study '{name}' that edgebottle did not begin")
    for key, value in now.items():
        if before.get(key) != value:
            raise BadInput(
                f"'{key}' is {value!r}, but was {before.get(key)!r} when the study '{name}' was "
                "begun: give it another name, or another storage"
            )
