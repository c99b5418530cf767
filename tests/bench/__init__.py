"""Benchmarks: ``python -m tests.bench`` (exact figures of the virtual boards, not timed tests)."""
