"""Bytes of a model file to a Graph, and nothing else."""
