"""Admission, stages, ranking, gain, money."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.refusal import Refused
from trading import messages
from trading.law import admission, gains, methods, money, ranking, regimes, stages
from trading.law.methods import HIGHEST, LOWEST, Offer

DEADLINE = datetime(2026, 3, 23, 1, 30, tzinfo=UTC)


# ---- admission


def test_what_lower_floors_refuse_has_its_article_at_the_edge() -> None:
    assert messages.tell(Refused("E-LATE")).endswith("（《招标投标法实施条例》第三十六条）")
    assert messages.tell(Refused("E-TWICE", bidder="A"), "en").endswith("art. 51)")
    assert not messages.tell(Refused("E-SIG", why="key")).endswith("条）")


def test_neither_operator_nor_tenderee_nor_agent_bids() -> None:
    admission.not_the_operator("A", ("D",))
    admission.not_the_tenderee("A", "B", "C")
    with pytest.raises(Refused, match="E-OPERATOR-BIDS"):
        admission.not_the_operator("D", ("D",))
    for bidder in ("B", "C"):
        with pytest.raises(Refused, match="E-OWN-TENDER"):
            admission.not_the_tenderee(bidder, "B", "C")
    admission.not_the_tenderee("", "B", "")  # no agent is nobody's id


def test_tl_44_it_takes_three_bidders_to_open_a_box_of_works() -> None:
    assert regimes.WORKS.min_bids == 3 and regimes.SOURCE_LAW.min_bids == 1


def test_tl_51_a_price_over_the_ceiling_may_not_win_in_works_but_stands_as_the_source_decided() -> None:
    admission.check_price(regimes.WORKS, "buy", 100, 100)
    with pytest.raises(Refused, match="E-OVER-CEILING"):
        admission.check_price(regimes.WORKS, "buy", 101, 100)
    admission.check_price(regimes.SOURCE_LAW, "buy", 101, 100)
    admission.check_price(regimes.PROPERTY, "sell", 100, 100)
    with pytest.raises(Refused, match="E-UNDER-FLOOR"):
        admission.check_price(regimes.PROPERTY, "sell", 99, 100)


# ---- stages


def test_the_whole_life_of_a_tender() -> None:
    stage = stages.FIRST
    acts = (
        "make-keyset make-keyset announce register-key hand-in withdraw move-deadline close release unseal unseal "
        "reject publish-candidates award close-evaluation archive"
    )
    for act in acts.split():
        stage = stages.step(stage, act)
    assert stage == "archived"


@pytest.mark.parametrize(
    ("stage", "act"),
    [
        ("named", "announce"), ("announced", "release"), ("announced", "unseal"), ("announced", "archive"),
        ("closed", "hand-in"), ("closed", "close"), ("shut", "release"), ("shut", "unseal"), ("shut", "award"),
        ("opened", "award"), ("opened", "withdraw"), ("ranked", "unseal"), ("awarded", "award"), ("archived", "archive"),
        ("announced", "sign-contract"), ("contracted", "award"), ("failed", "award"), ("terminated", "close"),
    ],
)  # fmt: skip
def test_what_is_not_in_the_table_does_not_happen(stage: str, act: str) -> None:
    assert not stages.may(stage, act)
    with pytest.raises(Refused, match="E-STAGE"):
        stages.step(stage, act)


def test_closing_is_two_acts_by_what_the_record_says() -> None:
    assert stages.act_of("closed", {"opens": True}) == "close"
    assert stages.act_of("closed", {"opens": False}) == "leave-shut"
    assert stages.act_of("rehearsed", {}) == ""


@given(st.lists(st.sampled_from(sorted({act for _, act in stages.TABLE})), max_size=30))
def test_nothing_opens_that_was_not_closed_first(acts: list[str]) -> None:
    stage, done = stages.FIRST, []
    for act in acts:
        if stages.may(stage, act):
            stage = stages.step(stage, act)
            done.append(act)
    for later, earlier in (("unseal", "close"), ("close", "announce"), ("award", "publish-candidates")):
        assert later not in done or earlier in done[: done.index(later)]
    assert not {"close", "leave-shut"} <= set(done)


# ---- ranking

offers = st.lists(
    st.builds(Offer, st.text("abc", min_size=1, max_size=3), st.integers(0, 5)), unique_by=lambda o: o.bid
)


def test_lowest_and_highest_with_equal_prices_by_bid_id() -> None:
    some = [Offer("b", 5), Offer("a", 5), Offer("c", 4)]
    assert [r.bid for r in methods.rank(LOWEST, some)] == ["c", "a", "b"]
    assert [r.bid for r in methods.rank(HIGHEST, some)] == ["a", "b", "c"]
    assert methods.totals(LOWEST, "T", methods.rank(LOWEST, some)) == {
        "method": "lowest-price/v1",
        "rows": [
            {"bid": "c", "price": 4, "rank": 1},
            {"bid": "a", "price": 5, "rank": 2},
            {"bid": "b", "price": 5, "rank": 3},
        ],
        "tender": "T",
    }
    with pytest.raises(Refused, match="E-METHOD"):
        methods.rank("beauty/v1", some)


@given(offers, st.randoms(use_true_random=False))
def test_a_ranking_depends_on_the_offers_alone(some: list[Offer], random) -> None:
    shuffled = list(some)
    random.shuffle(shuffled)
    for method in (LOWEST, HIGHEST):
        ranked = methods.rank(method, some)
        assert ranked == methods.rank(method, shuffled)
        assert [r.rank for r in ranked] == list(range(1, len(some) + 1))


def test_tl_53_at_most_three_candidates_where_the_rulebook_says_so() -> None:
    ranked = methods.rank(LOWEST, [Offer(b, p) for p, b in enumerate("abcde")])
    assert ranking.candidates(ranked, 3) == ("a", "b", "c")
    assert ranking.candidates(ranked, 0) == ("a", "b", "c", "d", "e")
    with pytest.raises(Refused, match="E-NO-CANDIDATE"):
        ranking.candidates((), 3)


def test_order_87_44_too_few_qualified() -> None:
    ranking.enough_qualified(3, regimes.GOV)
    ranking.enough_qualified(1, regimes.WORKS)
    with pytest.raises(Refused) as refused:
        ranking.enough_qualified(2, regimes.GOV)
    assert str(refused.value.article) == "《财政部令87号》第四十四条"


def test_tl_55_rank_one_wins() -> None:
    ranking.winner(("a", "b"), "a")
    with pytest.raises(Refused, match="E-NOT-FIRST"):
        ranking.winner(("a", "b"), "b")


# ---- gain and money


def test_savings_when_buying_added_value_when_selling() -> None:
    assert gains.gain(gains.formula("buy"), price=291000, baseline=300000) == 9000
    assert gains.gain(gains.formula("sell"), price=291000, baseline=300000) == -9000
    with pytest.raises(Refused, match="E-FORMULA"):
        gains.gain("magic/v1", price=1, baseline=1)


def test_a_group_rate_is_a_quotient_of_sums() -> None:
    assert gains.rate([(1, 10), (90, 100)]) == Decimal(91) / Decimal(110)
    with pytest.raises(Refused, match="E-RATE"):
        gains.rate([])


@pytest.mark.parametrize(
    ("amount", "currency", "fen"),
    [
        ("3000.0", "UAH", 300000),
        ("6708.37", "UAH", 670837),
        ("0", "CNY", 0),
        ("49993.600", "UAH", 4999360),
        ("5", "JPY", 5),
    ],
)
def test_published_amounts_are_read_exactly(amount: str, currency: str, fen: int) -> None:
    assert money.fen(amount, currency) == fen
    assert Decimal(money.decimal(fen, currency)) == Decimal(amount)


@pytest.mark.parametrize(
    "amount", ["", "-1", "+1", "1,000", "1e3", "0.001", ".5", "5.", "007", "NaN", "１", "9" * 17, " 1", "1\n"]
)
def test_what_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(Refused, match="E-AMOUNT"):
        money.fen(amount)


def test_floats_are_no_amounts() -> None:
    with pytest.raises(Refused, match="E-AMOUNT"):
        money.fen(0.1)  # type: ignore[arg-type]


def test_amounts_for_people() -> None:
    assert money.render(291000) == "2,910.00元"
    assert money.render(858007440000, unit="亿元") == "85.80亿元"
    assert money.render(9074400000, unit="万元") == "9,074.40万元"
    assert money.render(1_005_000_000_00, unit="亿元") == "10.05亿元"
    assert money.render(291000, "UAH") == "UAH 2,910.00"
    assert money.render(291000, lang="en") == "CNY 2,910.00"


@given(st.integers(0, money.LARGEST), st.sampled_from(["CNY", "UAH", "JPY"]))
def test_money_survives_both_edges(fen: int, currency: str) -> None:
    text = money.decimal(fen, currency)
    if len(text.split(".")[0]) <= 16:
        assert money.fen(text, currency) == fen
