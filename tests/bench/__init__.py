"""Benchmarks: each part of the fast path beside the least that its job costs. `python -m tests.bench [NAME…] [--json]`."""
