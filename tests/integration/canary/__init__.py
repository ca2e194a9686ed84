"""Secrets that are looked for: where they are put, what is told of them, and how they are found."""
