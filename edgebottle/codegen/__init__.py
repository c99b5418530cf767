"""The only place that writes C."""
