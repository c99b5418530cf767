"""Single-shot detection: what the outputs of a network mean, its boxes, and how good they are."""
