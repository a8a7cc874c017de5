"""``/api/v1``: what the console shows and does, as JSON, for programs with a token."""
