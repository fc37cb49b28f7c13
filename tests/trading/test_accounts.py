"""Who may come in, and as what."""

from __future__ import annotations

import asyncio

from audit.act import pool
from tests.trading.town import Town
from trading import accounts


async def test_a_code_with_a_wrong_check_character_is_refused(place: Town) -> None:
    wrong = accounts.demo_code(7)[:-1] + ("1" if not accounts.demo_code(7).endswith("1") else "2")
    problem = await place.call("sa", "POST", "/organisations", 422, {"code": wrong, "name": "假公司"})
    assert problem["code"] == "T-CODE"


async def test_a_token_is_shown_once_and_kept_as_a_hash(place: Town) -> None:
    await place.enrol("wang", "bidder")
    token = place.tokens["wang"]
    me = await place.call("wang", "GET", "/whoami", 200)
    assert (me["role"], me["organisation"]) == ("bidder", place.codes["wang"])
    listed = (await place.call("sa", "GET", "/tokens", 200))["items"]
    assert len(listed) == 2 and all(t["token"] is None for t in listed)
    kept = await pool().fetch("SELECT digest FROM trading_token")
    assert all(token.encode() not in row["digest"] for row in kept)


async def test_a_revoked_token_opens_nothing(place: Town) -> None:
    await place.enrol("wang", "bidder")
    [mine] = [t for t in (await place.call("sa", "GET", "/tokens", 200))["items"] if t["role"] == "bidder"]
    await place.call("sa", "POST", f"/tokens/{mine['id']}/revocation", 200)
    accounts._remembered.clear()
    problem = await place.call("wang", "GET", "/whoami", 401)
    assert problem["code"] == "W-TOKEN"


async def test_one_person_is_not_two_administrators(place: Town) -> None:
    body = {"name": "李四", "organisation": place.codes["sa"], "roles": ["security_admin", "audit_admin"]}
    assert (await place.call("sa", "POST", "/people", 409, body))["code"] == "T-ADMINS"


async def test_the_operator_does_not_bid(place: Town) -> None:
    for first, second in (("operator", "bidder"), ("bidder", "operator")):
        code = await place.enrol(f"a {first}", first)
        body = {"name": "李四", "organisation": code, "roles": [second]}
        told = await place.call("sa", "POST", "/people", 409, body)
        assert (told["code"], told["article"]) == (
            "E-OPERATOR-BIDS",
            "Measures for Electronic Bidding (Order 20), art. 23",
        )
        assert [
            p["roles"] for p in (await place.call("sa", "GET", "/people", 200))["items"] if p["organisation"] == code
        ]
        await place.call("sa", "POST", "/people", 201, body | {"roles": [first]})


async def test_only_one_first_token(place: Town) -> None:
    from audit.refusal import Refused

    try:
        await accounts.found("x", accounts.demo_code(5), "y")
    except Refused as no:
        assert no.code == "T-FOUNDED"
    else:
        raise AssertionError


async def test_pages_of_organisations(place: Town) -> None:
    for n in range(5):
        await place.enrol(f"firm{n}", "bidder")
    seen, cursor = [], ""
    while True:
        page = await place.call("public", "GET", f"/organisations?limit=2{cursor}", 200)
        seen += [o["code"] for o in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == sorted(place.codes.values())
    await place.call("public", "GET", "/organisations?cursor=nonsense", 400)


async def test_a_repeated_key_gets_the_first_answer(place: Town) -> None:
    body = {"code": accounts.demo_code(9), "name": "九号公司"}
    head = {"Idempotency-Key": "k1"}
    first = await place.call("sa", "POST", "/organisations", 201, body, headers=head)
    again = await place.call("sa", "POST", "/organisations", 201, body, headers=head)
    assert first == again
    other = {"code": accounts.demo_code(10), "name": "十号公司"}
    assert (await place.call("sa", "POST", "/organisations", 422, other, headers=head))["code"] == "W-KEY-REUSED"
    assert (await place.call("sa", "POST", "/organisations", 409, body))["code"] == "T-TAKEN"


async def test_problems_speak_the_readers_language(place: Town) -> None:
    zh = await place.as_("public").get("/api/v1/people", headers={"Accept-Language": "zh-CN,en;q=0.5"})
    en = await place.as_("public").get("/api/v1/people", headers={"Accept-Language": "en"})
    assert zh.headers["content-language"] == "zh-CN" and "令牌" in zh.json()["detail"]
    assert en.json()["detail"] == "A valid token is needed." and en.headers["www-authenticate"] == "Bearer"
    assert en.headers["content-type"] == "application/problem+json"


async def test_a_revocation_wipes_every_workers_memory(place: Town) -> None:
    await place.enrol("wang", "bidder")
    await place.enrol("li", "bidder")
    tokens = {t["organisation"]: t["id"] for t in (await place.call("sa", "GET", "/tokens", 200))["items"]}
    watching = asyncio.create_task(accounts.watch_revocations())
    await asyncio.sleep(0.05)
    for who in ("wang", "li"):
        await place.call(who, "GET", "/whoami", 200)
    # Another worker revokes: nothing tells this process but what it reads.
    await pool().execute(
        "UPDATE trading_token SET revoked_at = clock_timestamp() WHERE id = $1", tokens[place.codes["wang"]]
    )
    await asyncio.sleep(accounts.LOOK + 0.2)
    watching.cancel()
    assert (await place.call("wang", "GET", "/whoami", 401))["code"] == "W-TOKEN"
    await place.call("li", "GET", "/whoami", 200)
