"""`trading`: every act of the house from a shell, with the same functions the server runs.

Exit codes: 0 ok, 1 refused, 2 usage, 3 a proof failed (a damaged archive too).
"""

from __future__ import annotations

import sys


def main() -> None:
    """The console script: run a command and turn refusals and broken proofs into sentences and exit codes."""
    from audit.refusal import Broken, Refused
    from trading.cli.app import ARGUMENTS, app, screen

    try:
        app(args=ARGUMENTS)
    except (Refused, Broken) as error:
        sys.exit(screen().fail(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
