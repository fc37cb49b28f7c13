"""Idempotency-Key: a repeated POST gets the first answer again, another request under the same key is refused.

Only answers that changed something are kept (2xx): what was refused may be tried again under the same key. The claim and
the act are two transactions: if the process dies between them the claim goes stale after a while and the request runs
again; every use case below refuses or recognises a repetition by itself.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from starlette.responses import Response

from audit.act import pool
from audit.refusal import Refused
from trading.accounts import Caller

STALE = 3
"""Machine seconds after which a claim without an answer belongs to a dead process. Short, because whoever was handing in
a bid when the process died asks again with the same key, and the deadline does not wait; should the first request still
run, the use case recognises the second."""
KEPT = ("content-type", "etag", "location", "content-language")


def fingerprint(method: str, path: str, body: bytes) -> bytes:
    """What must be the same for a key to be repeated."""
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), body))).digest()


async def claim(caller: Caller, key: str, request: bytes) -> Response | None:
    """Take the key for this request, or give the kept answer. Refused: W-KEY, W-KEY-REUSED, W-RUNNING."""
    if not 0 < len(key) <= 128 or not all("!" <= c <= "~" for c in key):
        raise Refused("W-KEY")
    row = await pool().fetchrow(
        """INSERT INTO trading_reply AS r (holder, key, request, made_at) VALUES ($1, $2, $3, clock_timestamp())
           ON CONFLICT (holder, key) DO UPDATE SET made_at = clock_timestamp()
               WHERE r.status IS NULL AND r.request = excluded.request
                 AND r.made_at < clock_timestamp() - make_interval(secs => $4)
           RETURNING id""",
        caller.token, key, request, STALE,
    )  # fmt: skip
    if row is not None:
        return None
    kept = await pool().fetchrow(
        "SELECT request, status, headers, body FROM trading_reply WHERE holder = $1 AND key = $2", caller.token, key
    )
    if kept is None:
        raise Refused("W-RUNNING")
    if kept["request"] != request:
        raise Refused("W-KEY-REUSED")
    if kept["status"] is None:
        raise Refused("W-RUNNING")
    headers: dict[str, Any] = kept["headers"] if isinstance(kept["headers"], dict) else json.loads(kept["headers"])
    return Response(kept["body"], kept["status"], {**headers, "Idempotent-Replay": "true"})


async def settle(caller: Caller, key: str, response: Response | None) -> None:
    """Keep the answer of a request that succeeded; give the key back if it did not."""
    if response is None or not 200 <= response.status_code < 300:
        await pool().execute(
            "DELETE FROM trading_reply WHERE holder = $1 AND key = $2 AND status IS NULL", caller.token, key
        )
        return
    headers = {k: v for k, v in response.headers.items() if k in KEPT}
    await pool().execute(
        "UPDATE trading_reply SET status = $3, headers = $4::text::jsonb, body = $5 WHERE holder = $1 AND key = $2",
        caller.token, key, response.status_code, json.dumps(headers), bytes(response.body),
    )  # fmt: skip


async def forget(hours: int = 48) -> int:
    """Forget answers older than this; their number. For a timer."""
    done = await pool().execute(
        "DELETE FROM trading_reply WHERE made_at < clock_timestamp() - make_interval(hours => $1)", hours
    )
    return int(str(done).rpartition(" ")[2])
