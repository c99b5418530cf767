"""Networks that are made to be split: a bottleneck in the place of the first layers."""
