"""The boards of a lab: who they are, where they are, and who has them."""
