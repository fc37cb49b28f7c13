"""Sealed boxes: keys, envelopes, deposits, custodians, openings. Knows nothing of projects or money."""
