"""The methods of training: each one class, in a file of its own, with its source."""
