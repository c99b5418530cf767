"""What needs a board of the search for networks: costs, before anything is trained."""
