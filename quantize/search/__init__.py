"""Searches networks of inverted bottlenecks, with schedule and bits, for one board."""
