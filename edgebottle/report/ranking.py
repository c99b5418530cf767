"""How well a search has ranked: for the terminal."""

from __future__ import annotations

from edgebottle.report.terminal import Part, add_row, new_table, printable
from quantize.search.ranking import Ranking


def ranking_parts(ranking: Ranking) -> tuple[Part, ...]:
    """Networks as the search ranked them, with what training gave, and the correlation."""
    title = f"{len(ranking.networks)} networks, trained by themselves for {ranking.epochs} epochs"
    table = new_table(title, "trial>", "searched>", "trained>", "bits", "network~")
    for one in ranking.networks:
        accuracies = (f"{one.searched:.2%}", f"{one.trained:.2%}")
        add_row(table, str(one.trial), *accuracies, one.bits, one.network)
    return (table, *map(printable, ranking_words(ranking)))


def ranking_words(ranking: Ranking) -> list[str]:
    """The correlation, and what it means for the choice."""
    tau = ranking.tau
    if tau is None:
        return ["All are equally accurate: there is no order to find."]
    words, trial = "1 is the same order, 0 is chance", ranking.best.trial
    below = f"{100 * ranking.lost:.2f} points below trial {trial}, the best of these"
    return [
        f"Kendall's tau between both orders: {tau:.2f} ({words}).",
        f"The best of the search is {below if ranking.lost else 'the best of these, too'}.",
    ]
