"""Modelled CPU cycles from exact basic-block counts (docs/timing.md)."""
