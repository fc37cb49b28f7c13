"""People at a shell. `trading.cli.app` opens every room itself, so it comes before whichever room a test asks for."""

import trading.cli.app  # noqa: F401
