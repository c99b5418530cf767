"""What shrinks a network: patch schedules, low-bit training, architecture search."""
