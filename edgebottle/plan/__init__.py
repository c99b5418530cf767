"""Operator order, lifetimes and arena offsets: the frozen Plan."""
