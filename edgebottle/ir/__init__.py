"""The intermediate representation: Graph, its verifier, text dump and NumPy interpreter."""
