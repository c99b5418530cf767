"""Records to terminal tables and HTML."""
