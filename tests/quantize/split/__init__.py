"""Training of networks that are split."""
