"""Least squares with coefficients that are not negative."""

from __future__ import annotations

import numpy as np

from edgebottle.ir.graph import Array

MAX_ROUNDS = 300
"""Of the active-set method; each changes which coefficients are zero."""


def nonnegative_least_squares(matrix: Array, values: Array) -> Array:
    """The x >= 0 for which ``matrix @ x`` is nearest to ``values``.

    The method is the active set of Lawson and Hanson, Solving Least Squares Problems, 1974, 23.3.

    Args:
        matrix: (equations, unknowns), float64.
        values: (equations,), float64.

    Returns:
        (unknowns,), float64.
    """
    reach = np.linalg.norm(matrix, axis=0)
    scaled = matrix / np.where(reach > 0, reach, 1.0)
    product, right = scaled.T @ scaled, scaled.T @ values
    solution = np.zeros(len(reach))
    is_free = np.zeros(len(reach), dtype=bool)
    tolerance = 1e-10 * max(1.0, float(np.abs(right).max(initial=0.0)))
    for _ in range(MAX_ROUNDS):
        gradient = np.where(is_free | (reach == 0), -np.inf, right - product @ solution)
        if is_free.all() or gradient.max() <= tolerance:
            break
        is_free[int(gradient.argmax())] = True
        solution = _nearest(product, right, solution, is_free)
    return solution / np.where(reach > 0, reach, 1.0)


def _nearest(product: Array, right: Array, solution: Array, is_free: Array) -> Array:
    """Solves for the free unknowns; those that would become negative are held at zero."""
    while True:
        wanted = np.zeros_like(solution)
        free = np.flatnonzero(is_free)
        wanted[free] = np.linalg.lstsq(product[np.ix_(free, free)], right[free], rcond=None)[0]
        below = is_free & (wanted <= 0)
        if not below.any():
            return wanted
        steps = solution[below] / (solution[below] - wanted[below])
        solution = solution + float(steps.min()) * (wanted - solution)
        is_free &= solution > 1e-12
        solution = np.where(is_free, solution, 0.0)
