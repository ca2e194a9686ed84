"""Several stores driven in step: every step is taken on each, and has to end the same on all."""
