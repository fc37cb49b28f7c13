"""Panels of evaluation experts: drawn by chance that nobody steers (draw.md). The code follows the specification."""
