"""Power meters: what a board takes while it runs a network."""
