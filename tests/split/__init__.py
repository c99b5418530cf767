"""Split computing."""
