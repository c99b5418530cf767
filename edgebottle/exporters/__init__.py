"""Graphs to the files of other tools."""
