"""The procedure of a tender of the world: documents, questions, remedies, evaluation, award, contract, and its failures.

Nothing here asks the law: an act happens when it is called, at the time it is. ``evaluate`` and ``conclude`` do what is
still to come in its lawful order and let the lawful days pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from audit.canon import canon, sha256_hex, stamp
from audit.record import Rule, types
from audit.trust import record_sig_bytes
from bidding.verify_lists import root_of
from tests.world import SYSTEM, Bidder, Logged
from tests.world_box import TENDEREE, Bid, Box, described
from trading.law.gains import formula, gain
from trading.law.methods import Evaluation, Offer, Sheet, evaluate, totals
from trading.law.methods.parameters import read

PANEL = {"kind": "panel", "id": "D-1"}
SUPERVISOR = {"kind": "supervisor", "id": "A-SUP"}
REGULATION, GOV_LAW = "招标投标法实施条例", "政府采购法"
Points = Callable[[int, Bid, str], str]


def text_of(words: str) -> str:
    """The hash of a paper nobody here needs to read."""
    return sha256_hex(words.encode())


class Life(Box):
    """What is done around the box of a tender."""

    ended_early = False
    """Whether it was terminated before anything was opened."""
    corrections = 0
    """How often the line of its award was corrected by hand."""

    # ------------------------------------------------------------------------------------------------- preparation

    def amend(
        self,
        files: Mapping[str, bytes],
        affects: bool = True,
        reason: str = "clarification",
        extend: float | None = None,
    ) -> Logged:
        """Amend the documents; ``extend`` moves the deadline by so many days in the same act."""
        self.sets.append({**self.sets[-1], **files})
        made = self.log(
            "documents-amended", TENDEREE, set=self.set, files=described(self.sets[-1]), affects=affects, reason=reason
        )
        if extend is not None:
            self.deadline += timedelta(days=extend)
            self.log("deadline-moved", TENDEREE, deadline=stamp(self.deadline), reason="amendment", outage=None)
        self.world.wait()
        return made

    def ask(self, bidder: Bidder, words: str = "Which crane?") -> str:
        """A question, whose asker nobody learns."""
        question = sha256(f"{self.id} {bidder.id} {words}".encode()).hexdigest()[:32]
        self.log("question-asked", _of(bidder), question=question, asker=bidder.id, text=text_of(words))
        self.world.wait()
        return question

    def reply(self, question: str, words: str = "Any that lifts.", changed: bool = False) -> Logged:
        """The answer, to all; ``changed``: the newest document set follows from it."""
        made = self.log(
            "question-answered", TENDEREE, question=question, text=text_of(question), answer=text_of(words),
            set=self.set if changed else None,
        )  # fmt: skip
        self.world.wait()
        return made

    def secure(self, bidder: Bidder, amount: int = 1_000_000, form: str = "transfer") -> Logged:
        """A bid security arrives."""
        made = self.log(
            "security-received", SYSTEM, bidder=bidder.id, amount=amount, form=form, account="basic",
            received=stamp(self.world.now),
        )  # fmt: skip
        self.world.wait()
        return made

    # ------------------------------------------------------------------------------------------------- remedies

    def object(
        self, bidder: Bidder, about: str = "documents", kind: str = "objection", follows: str | None = None, **body: Any
    ) -> str:
        """An objection, an inquiry, a challenge or a complaint; the id it bears."""
        grounds, salt = f"{kind} of {bidder.id} about {about}", sha256(bidder.id.encode()).hexdigest()
        remedy = sha256(f"{self.id} {grounds} {len(self.world.logged)}".encode()).hexdigest()[:32]
        salted = sha256_hex((salt + grounds).encode())
        told = {"kind": kind, "about": about, "known": stamp(self.world.now), "follows": follows, "grounds": salted}
        self.log("remedy-filed", SYSTEM, remedy=remedy, **{**told, **body})
        self.log("objector-noted", _of(bidder), remedy=remedy, objector=bidder.id, salt=salt, grounds=salted)
        self.world.wait()
        return remedy

    def take_up(self, remedy: str) -> Logged:
        """A complaint is accepted (受理)."""
        made = self.log("remedy-accepted", SUPERVISOR, remedy=remedy, reason="within its time")
        self.world.wait()
        return made

    def turn_down(self, remedy: str, reason: str = "out of time") -> Logged:
        """A complaint is not accepted."""
        made = self.log("remedy-refused", SUPERVISOR, remedy=remedy, reason=reason)
        self.world.wait()
        return made

    def answer(self, remedy: str, outcome: str = "dismissed", actor: Mapping[str, str] = TENDEREE) -> Logged:
        """A remedy is answered."""
        made = self.log(
            "remedy-answered", actor, remedy=remedy, outcome=outcome, answer=text_of(outcome), text=text_of(remedy)
        )
        self.world.wait()
        return made

    def suspend(
        self, order: str = "〔2026〕1", remedy: str | None = None, days: float | None = None, **body: Any
    ) -> str:
        """The supervisor orders a suspension, for so many days or until it is lifted."""
        until = None if days is None else stamp(self.world.now + timedelta(days=days))
        article = f"{GOV_LAW} 57" if self.regime == "gov" else f"{REGULATION} 62"
        told = {
            "ground": "complaint" if remedy else "supervision",
            "remedy": remedy,
            "until": until,
            "article": article,
        }
        self.log("suspension-ordered", SUPERVISOR, order=order, **{**told, **body})
        self.world.wait()
        return order

    def lift(self, order: str) -> Logged:
        """The supervisor lifts it."""
        made = self.log("suspension-lifted", SUPERVISOR, order=order)
        self.world.wait()
        return made

    # ------------------------------------------------------------------------------------------------- evaluation

    def reject(self, bid: Bid, reason: str = "qualification") -> Logged:
        """The committee rejects a bid."""
        made = self.log("bid-rejected", PANEL, bid=bid.id, reason=reason, article="招标投标法 41")
        self.rejected.add(bid.id)
        self.world.wait()
        return made

    def correct(self, bid: Bid, corrected: int, rule: str = "sum", read_out: int | None = None) -> Logged:
        """The committee corrects an arithmetic mistake of a price."""
        opening = self.opened["form", bid.id].opening or {}
        made = self.log(
            "price-corrected", PANEL, bid=bid.id, stage="form", read=read_out or opening["price"],
            corrected=corrected, rule=rule,
        )  # fmt: skip
        self.corrected[bid.id] = corrected
        self.world.wait()
        return made

    def explain(self, bid: Bid) -> None:
        """A low price is asked about, and explained."""
        self.log("explanation-asked", PANEL, bid=bid.id, due=stamp(self.world.now + timedelta(hours=2)))
        self.log("explanation-given", _of(bid.bidder), bid=bid.id, text=text_of("we own the quarry"))
        self.world.wait()

    def score(self, seat: int, points: Points | None = None, bids: Sequence[Bid] | None = None) -> Sheet:
        """A seat's sheet; a second one replaces the first."""
        return self.enter(self.sheet(seat, points, bids))

    def sheet(self, seat: int, points: Points | None = None, bids: Sequence[Bid] | None = None) -> Sheet:
        """What a seat writes down."""
        rated = read(self.method, self.parameters).rated
        given = points or _fairly
        standing = self.standing() if bids is None else bids
        return Sheet(
            self.id, seat, {bid.id: {name: Decimal(given(seat, bid, name)) for name in rated} for bid in standing}
        )

    def enter(self, sheet: Sheet, **told: Any) -> Sheet:
        """Hand a sheet in; a panel's sheet has a nonce and a signature besides."""
        self.done.add("score")
        seat, data = sheet.seat, sheet.encoded()
        before = self.sheets.get(seat)
        self.files[f"evaluation/sheets/{sha256_hex(data)}.json"] = data
        self.log(
            "scores-entered", PANEL, seat=seat, sheet=sha256_hex(data),
            replaces=None if before is None else sha256_hex(before.encoded()), **told,
        )  # fmt: skip
        self.sheets[seat] = sheet
        return sheet

    def sound(self) -> list[Bid]:
        """The bids that count and were opened in every stage."""
        found = []
        for bid in self.counted():
            told = [self.opened.get((stage, bid.id)) for stage in self.stages]
            if all(one is not None and one.verdict == "OK" for one in told):
                found.append(bid)
        return found

    def standing(self) -> list[Bid]:
        """The bids that may win."""
        return [bid for bid in self.sound() if bid.id not in self.rejected]

    def offers(self) -> list[Offer]:
        """What was offered; a rejected bid's offer does not stand."""
        small = read(self.method, self.parameters).small_firm
        found = []
        for bid in self.sound():
            opening = self.opened["form", bid.id].opening or {}
            price = self.corrected.get(bid.id, opening.get("price", 0))
            told = small is not None and opening.get(small.field) == 1
            found.append(Offer(bid.id, price, told, bid.id not in self.rejected))
        return found

    def evaluation(self, offers: Sequence[Offer] | None = None) -> Evaluation:
        """The evaluation by the announced method."""
        given = self.offers() if offers is None else offers
        return evaluate(self.method, self.parameters, given, [self.sheets[seat] for seat in sorted(self.sheets)])

    def report(self) -> Logged:
        """The committee's report arrives."""
        self.done.add("report")
        return self.log("report-received", TENDEREE, report=text_of("report"))

    def rank(
        self,
        offers: Sequence[Offer] | None = None,
        twist: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
        most: int | None = None,
        evaluation: Evaluation | None = None,
    ) -> Logged:
        """Publish the candidates; ``twist`` rewrites the totals, ``most`` how many there may be, ``evaluation`` is
        another one than that of the announced method."""
        self.done.add("rank")
        evaluation = evaluation or self.evaluation(offers)
        self.ranked = evaluation.ranked
        table = totals(self.method, self.id, evaluation)
        told = canon(table if twist is None else twist(table))
        self.files["evaluation/totals.json"] = told
        if most is None:
            most = 3 if self.pinned("WK-35") else len(self.ranked)
        ranking = [one.bid for one in self.ranked[:most]]
        made = self.log("candidates-published", TENDEREE, ranking=ranking, totals=sha256_hex(told))
        self.world.wait()
        return made

    def close_evaluation(self, leave_out: Callable[[Logged], bool] = lambda record: False) -> Logged:
        """What was sealed during the evaluation is counted, and may be shown."""
        self.done.add("close evaluation")
        sealed = [
            one.hash
            for one in self.world.logged
            if one.body.get("tender") == self.id
            and one.nonce is not None
            and Rule.EVALUATION in types[one.name].rules
            and not leave_out(one)
        ]
        made = self.log("evaluation-closed", events=len(sealed), events_root=root_of(sealed))
        self.world.wait()
        return made

    def pinned(self, rule: str) -> bool:
        """Whether the rulebook has a rule."""
        return f'"{rule}"'.encode() in self.rulebook

    # ------------------------------------------------------------------------------------------------- award to contract

    def award(self, place: int = 0, **body: Any) -> None:
        """Award to the first candidate, and close the evaluation in the same act."""
        self.done.add("award")
        if not self.ranked:
            return
        winner = [one for one in self.ranked if one.bid not in self.rejected or place][place]
        measured = self.baseline is not None and self.terms.get("pricing", "total") == "total"
        named = formula(self.direction) if measured else None
        gained = (
            None if named is None or self.baseline is None else gain(named, price=winner.price, baseline=self.baseline)
        )
        terms = {"bid": winner.bid, "price": winner.price, "baseline": self.baseline, "gain": gained, "formula": named}
        self.won = winner.price
        self.log("awarded", TENDEREE, **{**terms, **body})
        if "close evaluation" not in self.done:
            self.close_evaluation()
        self.world.wait()

    def restate(self, signers: Sequence[str] = ("P-TEN", "A-SUP"), wait: bool = True, **body: Any) -> None:
        """Correct the line of the award by hand: tenderee and authority sign."""
        price, baseline = body.get("price"), body.get("baseline")
        known = price is not None and baseline is not None
        self.corrections += 1
        told: dict[str, Any] = {
            "correction": self.corrections, "status": "concluded", "reason": "amount", "words": "万元误作元",
            "price": price, "baseline": baseline, "formula": formula(self.direction) if known else None,
            "gain": gain(formula(self.direction), price=price, baseline=baseline) if known else None,
        } | body  # fmt: skip
        record = {"type": "trading.line-corrected/v1", "subject": self.id, "tender": self.id, **told}
        people = {**self.world.people, **self.world.authorities}
        sig = [people[who].sign(record_sig_bytes(record)) for who in signers]
        self.log("line-corrected", TENDEREE, sig=sig, **told)
        if wait:
            self.world.wait()

    def notify(self) -> Logged:
        """The letter of award is sent."""
        self.done.add("notify")
        made = self.log("award-notified", TENDEREE, letter=text_of("letter"))
        self.world.wait()
        return made

    def file_report(self) -> Logged:
        """The written report goes to the supervisor."""
        self.done.add("file report")
        made = self.log("report-filed", TENDEREE, report=text_of("written report"))
        self.world.wait()
        return made

    def sign(self, amount: int | None = None, performance: int | None = None, **body: Any) -> Logged:
        """The contract, at the price of the award."""
        self.done.add("sign")
        told = {"contract": text_of("contract"), "amount": self.won if amount is None else amount}
        told |= {"performance": performance, "signed": stamp(self.world.now)}
        made = self.log("contract-signed", TENDEREE, **{**told, **body})
        self.world.wait()
        return made

    def publish_contract(self, file: bool = False) -> None:
        """The contract is shown, and filed where the law asks for it."""
        self.done.add("publish contract")
        self.log("contract-published", TENDEREE, contract=text_of("contract"))
        if file:
            self.log("contract-filed", TENDEREE, contract=text_of("contract"))
        self.world.wait()

    def settle_securities(self, **body: Any) -> Logged:
        """All bid securities have gone back: each to its payer, the sum in public."""
        self.done.add("settle")
        paid = [
            one.body for one in self.world.logged if one.name == "security-received" and one.body["tender"] == self.id
        ]
        for one in paid:
            self.log(
                "security-returned", SYSTEM, bidder=one["bidder"], amount=one["amount"], interest=100, reason="lost"
            )
        told = {
            "count": len({one["bidder"] for one in paid}),
            "amount": sum(one["amount"] for one in paid),
            "interest": 100 * len(paid),
        }
        made = self.log("securities-settled", SYSTEM, **{**told, **body})
        self.world.wait()
        return made

    # ------------------------------------------------------------------------------------------------- failures

    def fail(self, reason: str = "all_rejected", article: str = "招标投标法 42") -> Logged:
        """Nobody may win."""
        self.done |= {"rank", "award", "sign"}
        self.failed = True
        made = self.log("tender-failed", TENDEREE, reason=reason, article=article)
        if "close evaluation" not in self.done:
            self.close_evaluation()
        self.world.wait()
        return made

    def warn(self, days: float = 10) -> Logged:
        """An idle tender is warned."""
        made = self.log("idle-warned", SYSTEM, due=stamp(self.world.now + timedelta(days=days)))
        self.world.wait()
        return made

    def terminate(self, reason: str = "tenderee", article: str = f"{REGULATION} 31", **body: Any) -> None:
        """It is given up; a box that was announced and not closed closes at once, and stays shut."""
        self.log("tender-terminated", TENDEREE, reason=reason, article=article, **{"warned": None, **body})
        if "close" not in self.done:
            self.abandon(reason)
        elif "unseal" in self.done and "close evaluation" not in self.done:
            self.close_evaluation()
        self.ended_early = True
        self.done |= {"rank", "award", "sign"}
        self.world.wait()

    # ------------------------------------------------------------------------------------------------- in their order

    def evaluate(self) -> None:
        """From the opening to the candidates, as far as that is still to come."""
        if self.failed or "rank" in self.done:
            return
        if "score" not in self.done:
            for seat in range(1, read(self.method, self.parameters).seats + 1):
                self.score(seat)
            self.world.wait()
        if self.regime != "source-law" and "report" not in self.done:
            self.report()
        self.rank()

    def conclude(self) -> None:
        """From the candidates to the contract, as far as that is still to come."""
        if "award" not in self.done:
            if self.pinned("WK-38"):
                self.world.sleep(8)
            self.award()
        if self.regime == "source-law" or self.failed or not self.ranked:
            return
        if "sign" not in self.done:
            if "notify" not in self.done:
                self.notify()
            self.world.sleep(2)
            self.sign()
        if self.pinned("WK-47") and "file report" not in self.done:
            self.file_report()
        if "publish contract" not in self.done:
            self.publish_contract(file=self.regime == "gov")
        if "settle" not in self.done and self.terms.get("security"):
            self.settle_securities()


def _of(bidder: Bidder) -> dict[str, str]:
    return {"kind": "bidder", "id": bidder.id}


def _fairly(seat: int, bid: Bid, criterion: str) -> str:
    """Points that differ by seat, bid and criterion."""
    return str(70 + (seat * 7 + sum(map(ord, bid.id + criterion))) % 25)
