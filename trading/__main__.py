"""`python -m trading`: the console script, for whoever starts a process of ours by its interpreter."""

from trading.cli import main

main()
