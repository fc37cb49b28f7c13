"""A disk that fails: on the path of one process, and armed by a file, it makes the n-th call of one os function fail.

DISK_FAULT="fsync EIO 2 /tmp/armed"     the second os.fsync after /tmp/armed exists raises OSError(EIO)
DISK_FAULT="… shrug"                    and the store shrugs its shoulders instead of ending the process (the control)
"""

import errno
import itertools
import os
import sys

name, error, which, armed, *mood = os.environ["DISK_FAULT"].split()
real, calls, number = getattr(os, name), itertools.count(1), getattr(errno, error)


def failing(*arguments, **more):
    if os.path.exists(armed) and next(calls) == int(which):
        sys.stderr.write(f"injected: {name} {error}\n")
        raise OSError(number, os.strerror(number))
    return real(*arguments, **more)


setattr(os, name, failing)
if mood:
    import bidding.store

    bidding.store.Store.__init__.__kwdefaults__["end"] = lambda why: sys.stderr.write(f"shrugged: {why}\n")
