"""Jobs on the boards of a bench: a queue, retries, and what came of them."""
