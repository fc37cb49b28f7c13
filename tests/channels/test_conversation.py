"""The dialogue of a call, key by key, and what no sequence of keys can do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experts.conversation import Answer, Conversation, unanswered
from tests.channels.calls import CODE, SCRIPT, knows, played

TABLE = [
    # pressed, outcome (None: still talking), what is said then
    ("", None, "invitation"),
    ("1", None, "confirm_yes"), ("2", None, "confirm_no"), ("9", None, "confirm_conflict"),
    ("1 1", "accepted", "accepted"), ("2 2", "declined", "declined"), ("9 9", "conflict", "conflict"),
    # another key at the confirmation: once more from the beginning, then no more
    ("1 2", None, "again invitation"), ("1 2 2", None, "confirm_no"), ("1 2 2 2", "declined", "declined"),
    ("1 2 1 2", "invalid", "goodbye"), ("1 - 1 1", "accepted", "accepted"), ("1 - 1 -", "invalid", "goodbye"),
    ("2 - 2 2", "declined", "declined"), ("1 9", None, "again invitation"), ("9 1 1 1", "accepted", "accepted"),
    # keys that mean nothing
    ("5", None, "again invitation"), ("5 1 1", "accepted", "accepted"), ("5 5", "invalid", "goodbye"),
    ("# 0", "invalid", "goodbye"), ("11", None, "again invitation"), ("A", None, "again invitation"),
    # silence
    ("-", None, "invitation"), ("- -", "no_answer", "goodbye"), ("- 1 1", "accepted", "accepted"),
    ("- 1 - -", "no_answer", "goodbye"),
    # heard again
    ("*", None, "invitation"), ("* * *", None, "invitation"), ("* * * *", "invalid", "goodbye"),
    ("* 1 * 1", "accepted", "accepted"), ("1 *", None, "confirm_yes"),
    # hung up
    ("!", "no_answer", ""), ("1 !", "no_answer", ""), ("1 1 !", "accepted", "accepted"), ("2 2 !", "declined", "declined"),
    # nothing changes what is over
    ("1 1 2 2", "accepted", "accepted"), ("2 2 1 1 -", "declined", "declined"), ("! 1 1", "no_answer", ""),
]  # fmt: skip


@pytest.mark.parametrize(("pressed", "outcome", "said"), TABLE)
def test_without_a_code(pressed: str, outcome: str | None, said: str) -> None:
    talk = played(pressed)
    assert " ".join(talk.clips) == said
    assert (talk.outcome if talk.over else None) == outcome
    assert talk.say == "".join(getattr(SCRIPT, clip) for clip in talk.clips)
    assert (talk.wait, talk.digits) == ((0.0, 0) if talk.over else (8.0, 1))


CODES = [
    ("1", None, "ask_code", "1"),
    ("1 7301", None, "confirm_yes", "1xxxx"),
    ("1 7301 1", "accepted", "accepted", "1xxxx1"),
    ("1 0000", None, "again ask_code", "1xxxx"),
    ("1 0000 7301 1", "accepted", "accepted", "1xxxxxxxx1"),
    ("1 0000 1111", "invalid", "goodbye", "1xxxxxxxx"),
    ("1 7301 2 1 1", "accepted", "accepted", "1xxxx211"),  # who has shown the code is not asked again
    ("1 730", None, "again ask_code", "1xxx"),
    ("1 73011", None, "again ask_code", "1xxxx"),
    ("1 730# 7301 1", "accepted", "accepted", "1xxxxxxxx1"),
    ("1 1", None, "again ask_code", "1x"),
    ("1 1 1", "invalid", "goodbye", "1xx"),
    ("1 -", None, "ask_code", "1"),
    ("1 - -", "no_answer", "goodbye", "1"),
    ("1 *", None, "ask_code", "1*"),
    ("1 0000 *", None, "again ask_code", "1xxxx*"),
    ("1 !", "no_answer", "", "1"),
    ("1 7301 !", "no_answer", "", "1xxxx"),
    ("2 2", "declined", "declined", "22"),
    ("9 9", "conflict", "conflict", "99"),
]


@pytest.mark.parametrize(("pressed", "outcome", "said", "keys"), CODES)
def test_with_a_code(pressed: str, outcome: str | None, said: str, keys: str) -> None:
    talk = played(pressed, knows())
    assert (" ".join(talk.clips), talk.keys) == (said, keys)
    assert (talk.outcome if talk.over else None) == outcome
    if talk.clips[-1:] == ("ask_code",):
        assert (talk.digits, talk.wait) == (4, 12.0)


def test_the_code_is_nowhere_in_what_comes_of_the_call() -> None:
    for pressed in ("1 7301 1", "1 0000 7301 1", "1 7301 !"):
        assert CODE not in repr(played(pressed, knows()).answer("sip", b""))


def test_an_answer_says_what_the_line_did_and_what_the_person_said() -> None:
    assert played("1 1").answer("sip", b"x") == Answer("answered", "accepted", "11", "sip", b"x")
    assert played("- -").answer("sip") == Answer("answered", "no_answer", "", "sip", b"")
    assert played("1 !").answer("sip") == Answer("hung_up", "no_answer", "1", "sip", b"")
    assert unanswered("busy", "file") == Answer("busy", "no_answer", "", "file", b"")
    for state, outcome in (("busy", "accepted"), ("ringing", "no_answer"), ("answered", "maybe")):
        with pytest.raises(ValueError):
            Answer(state, outcome, "", "sip", b"")


PRESSES = st.one_of(
    st.sampled_from(["1", "2", "9", "*", "5", "#", "-", "!", CODE, "0000", "730", "73011", "A", "11", "٣٣٣٣", "1\n"]),
    st.text("0123456789*#ABCD", min_size=1, max_size=5),
)


@settings(max_examples=500)
@given(st.lists(PRESSES, max_size=40), st.booleans())
def test_whatever_is_pressed(presses: list[str], coded: bool) -> None:
    """It ends; nothing is accepted that was not chosen and confirmed, nor by anybody without the code."""
    shown: list[str] = []

    def check(pressed: str) -> bool:
        shown.append(pressed)
        return pressed == CODE

    talk = Conversation(SCRIPT, check if coded else None)
    heard = 0
    for press in presses:
        if talk.over:
            break
        heard += 1
        talk.silence() if press == "-" else talk.hung_up() if press == "!" else talk.hear(press)
    assert heard <= 14, "every dialogue ends"
    if talk.over and talk.outcome in ("accepted", "declined", "conflict"):
        key = {"accepted": "1", "declined": "2", "conflict": "9"}[talk.outcome]
        plain = talk.keys.replace("x", "").replace("*", "")
        assert plain.endswith(key * 2)
        if talk.outcome == "accepted" and coded:
            assert CODE in shown and shown.count(CODE) == 1 and shown.index(CODE) == len(shown) - 1
    if coded and CODE not in shown:
        assert talk.outcome != "accepted"
    assert len(shown) <= 2


@given(st.lists(st.sampled_from("129*5-"), min_size=14, max_size=14))
def test_fourteen_events_end_every_dialogue(presses: list[str]) -> None:
    assert played(" ".join(presses)).over
