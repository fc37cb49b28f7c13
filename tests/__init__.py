"""Tests tell stories; the cast and an honest platform with knobs live in `tests.world`."""
