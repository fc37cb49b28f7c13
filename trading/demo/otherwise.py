"""Lives in which one thing goes otherwise: what can happen to a tender, and what the law makes of it.

Each says in its docstring what happens; where the platform must refuse, the way asks it to and stops if it does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from audit.canon import stamp
from audit.refusal import Refused
from trading.demo import roster
from trading.demo.ways import Way
from trading.tools import settlement
from trading.tools.seat import Seat

if TYPE_CHECKING:
    from trading.demo.market import Run
    from trading.demo.story import Story

SEATS = 5
HALF = 0.5
"""Of the time between announcement and deadline: late enough for an amendment to move the deadline."""


class AllRejected(Way):
    """Every price is above the maximum: every bid is rejected, the tender fails, and its lot is tendered again."""

    name = "all-rejected"

    def evaluate(self, story: Story, run: Run) -> None:
        story.market.reject(run)
        story.market.act("tenderee", run, "failure", {"reason": "all_rejected"})


class Again(Way):
    """The second tender of a lot whose first one failed: it names its predecessor."""

    name = "again"


class GivenUp(Way):
    """The tenderee gives the tender up while bids are in: the box closes at once and nobody ever opens it."""

    name = "given-up"
    ended = True

    def bid(self, story: Story, run: Run) -> None:
        super().bid(story, run)
        story.market.act("tenderee", run, "termination", {"reason": "tenderee"})


class Idle(Way):
    """Registered in a city whose rules end what stands idle: warned after its months, terminated after its days."""

    name = "idle"
    announced = False

    def registration(self, run: Run) -> Mapping[str, Any]:
        return {"region": "ningbo"}

    def stand(self, story: Story, run: Run) -> None:
        """Nothing happens for as long as the rule lets nothing happen."""
        act = story.market.act
        story.until(lambda: act("operator", run, "warning"), "E-NOT-IDLE", patience=240)
        story.until(lambda: act("operator", run, "termination", {"reason": "idle"}), "E-WARNING-RUNS", patience=60)


class Objected(Way):
    """A bidder objects to the result: nothing is awarded until the tenderee has answered."""

    name = "objected"

    def award(self, story: Story, run: Run) -> None:
        remedy = story.file(run, "objection", "result", "评标结果与招标文件规定的方法不符。")
        story.must_refuse("E-SUSPENDED", lambda: story.market.act("tenderee", run, "award", {}))
        answer = {"outcome": "dismissed", "text": "已按招标文件规定的方法复核，结果无误。"}
        story.market.act("tenderee", run, f"remedies/{remedy}/answer", answer)
        super().award(story, run)


class Complained(Way):
    """A complaint by itself stops nothing; an order of the supervisor does, until it is lifted."""

    name = "complained"

    def award(self, story: Story, run: Run) -> None:
        market = story.market
        objection = story.file(run, "objection", "result", "对中标候选人的业绩有异议。")
        market.act(
            "tenderee", run, f"remedies/{objection}/answer", {"outcome": "dismissed", "text": "业绩材料已核实。"}
        )
        complaint = story.file(run, "complaint", "result", "对异议答复不满意。", follows=objection)
        market.act("supervisor", run, f"remedies/{complaint}/acceptance", {"reason": "符合受理条件"})
        super().award(story, run)  # goes on
        order = {"order": "演监〔2025〕1号", "ground": "complaint", "remedy": complaint}
        market.act("supervisor", run, "suspensions", order)
        story.must_refuse("E-SUSPENDED", lambda: self.notify(story, run))
        market.act("supervisor", run, "suspensions/lift", {"order": order["order"]})
        decision = {"outcome": "dismissed", "text": "投诉缺乏事实根据，予以驳回。"}
        market.act("supervisor", run, f"remedies/{complaint}/answer", decision)


class SystemFailed(Way):
    """The system fails over the deadline: the tender is suspended, the box stays closed and shut, and opens afterwards."""

    name = "system-failed"
    lifted = False

    def registration(self, run: Run) -> Mapping[str, Any]:
        return {"region": "ningbo"}

    def bid(self, story: Story, run: Run) -> None:
        super().bid(story, run)
        story.market.act("operator", run, "suspensions", {"order": "演运〔2025〕1号", "ground": "outage"})

    def wait(self, story: Story, run: Run) -> None:
        """Some time after its deadline the tender still stands as it stood: then it goes on."""
        assert run.deadline is not None
        if story.clock.now() > run.deadline + timedelta(hours=48) and not self.lifted:
            assert run.outcome["state"] == "announced", run.outcome["state"]
            self.lifted = True
            story.market.act("operator", run, "suspensions/lift", {"order": "演运〔2025〕1号"})


class Amended(Way):
    """A question, its answer to all, an amendment that moves the deadline, and a bid that must be made anew."""

    name = "amended"

    def notice(self, story: Story, run: Run) -> Mapping[str, Any]:
        run.papers = {"招标文件.txt": story.market.paper("tenderee", run, "招标文件")}
        return {"documents": run.papers}

    def convene(self, story: Story, run: Run) -> None:
        """When the deadline stands: a panel is not called for an hour that moves."""

    def bid(self, story: Story, run: Run) -> None:
        market, announced = story.market, story.clock.now()
        asker = story.client_of(run, run.source.bids[-1])
        asked = asker.post(f"/tenders/{run.tender}/questions", {"text": "第三章所称工期是否含法定节假日？"})
        super().bid(story, run)
        market.act("tenderee", run, f"questions/{asked['question']}/answer", {"answer": "含法定节假日。"})
        assert run.deadline is not None
        story.sleep_until(announced + (run.deadline - announced) * HALF)
        files = {**run.papers, "补遗一.txt": market.paper("tenderee", run, "补遗一：工期含法定节假日")}
        made = market.act("tenderee", run, "amendments", {"files": files, "affects": True, "reason": "澄清工期"})
        run.deadline = datetime.fromisoformat(made["deadline"])
        super().convene(story, run)
        story.pause()
        for bid in run.source.bids:
            own = story.client_of(run, bid).get(f"/tenders/{run.tender}/bids")
            assert all(one["stale"] for one in own["items"]), own
            story.hand_in_again(run, bid)


class Secured(Way):
    """Bid security, sealed until the opening and paid back; a firm that is banned from the market cannot bid."""

    name = "secured"

    def notice(self, story: Story, run: Run) -> Mapping[str, Any]:
        run.security = run.source.baseline // 100  # one percent of the estimate
        return {
            "security": {"amount": run.security, "valid_days": 90, "accounts": "basic"},
            "bid_validity_days": 90,
            "estimate": run.source.baseline,
        }

    def bid(self, story: Story, run: Run) -> None:
        now = stamp(story.clock.now())
        paid = {"amount": run.security, "form": "transfer", "account": "3602 0000 1234", "basic": True, "received": now}
        for bid in run.source.bids:
            story.client_of(run, bid).post(f"/tenders/{run.tender}/securities", paid)
        super().bid(story, run)
        banned = story.market.admit(f"示范失信企业 · {run.source.ocid}")
        decision = {
            "organisation": banned.code, "decision": "演罚〔2025〕7号", "body": "行政监督部门", "from": now,
            "until": None, "grounds": "串通投标（演示）", "appeal": "六十日内可以申请行政复议",
        }  # fmt: skip
        story.market.as_("supervisor").post("/bans", decision)
        story.must_refuse("E-BANNED-OPEN", lambda: story.hand_in(run, banned, run.source.bids[0].price))

    def settle(self, story: Story, run: Run) -> None:
        won = story.market.read(run)["award"]["bidder"]
        for bid in run.source.bids:
            code = story.bidder_of(run, bid).code
            body = {
                "bidder": code, "amount": run.security, "reason": "won" if code == won else "lost", "rate": "0.0035",
            }  # fmt: skip
            story.market.act("tenderee", run, "securities/returns", body)
        story.market.act("tenderee", run, "securities/settlement")


class CandidateGone(Way):
    """The first candidate gives up: the second one wins (招标投标法实施条例 55)."""

    name = "candidate-gone"

    def award(self, story: Story, run: Run) -> None:
        first = story.market.read(run)["ranking"][0]
        body = {"bid": first, "reason": "gave_up", "article": "招标投标法实施条例 55"}
        story.market.act("tenderee", run, "rejections", body)
        super().award(story, run)


class Scored(Way):
    """Government procurement by rated criteria; a challenge holds up the contract, and nothing else."""

    name = "scored"

    def notice(self, story: Story, run: Run) -> Mapping[str, Any]:
        return {
            "method": "comprehensive/v1",
            "parameters": {
                "object": "goods",
                "criteria": [{"id": "technical", "weight": "40"}, {"id": "service", "weight": "20"}],
                "price": {"formula": "lowest-price-score/v1", "weight": "40"},
                "seats": SEATS,
                "places": 2,
                "ties": ["price", "technical"],
            },
        }

    def score(self, story: Story, run: Run) -> None:
        """Every seat marks what lies before it under letters, commits, and reveals when all have committed."""
        places = {bid: n for n, bid in enumerate(run.bids.values())}  # as the source lists them

        def mark(number: int, seat: Seat) -> None:
            bids = {one["label"]: one["bid"] for one in seat.platform.get("/panel/labels")["items"]}
            points = {"technical": lambda n: f"{70 + (n * 7 + number) % 15}.0", "service": lambda n: f"{75 + number}.5"}
            seat.keep([replace(one, points=points[one.criterion](places[bids[one.label]])) for one in seat.template()])
            seat.commit()

        story.panels.each(run, mark)
        story.panels.each(run, lambda _, seat: seat.reveal())

    def sign(self, story: Story, run: Run) -> None:
        remedy = story.file(run, "challenge", "result", "对评审因素的打分有质疑。", known=stamp(story.clock.now()))
        story.must_refuse("E-SUSPENDED", lambda: Way.sign(self, story, run))
        story.market.act(
            "tenderee", run, f"remedies/{remedy}/answer", {"outcome": "dismissed", "text": "打分符合评审标准。"}
        )
        super().sign(story, run)


class Declined(Way):
    """Nearly everybody who is called declines: the next in order is called until five have accepted."""

    name = "declined"
    special = roster.DECLINING

    def need(self, run: Run) -> list[dict[str, Any]]:
        return [{"specialty": self.special.specialty, "count": SEATS}]


class Conflicted(Declined):
    """Those who are called have a conflict of interest and say so with one key, without naming it."""

    name = "conflicted"
    special = roster.CONFLICTED


class NoShow(Declined):
    """One who accepted does not come: he is written down, and the next in order comes in his place."""

    name = "no-show"
    special = roster.ABSENT


class Voided(Way):
    """One party commits and never reveals: the attempt is void, logged with its name, and drawn anew from the same pool."""

    name = "voided"
    withholds = True


class Exhausted(Declined):
    """Five are needed, five there are, and one declines: the pool is exhausted, and a panel is drawn from a larger one."""

    name = "exhausted"
    special = roster.SCARCE

    def bid(self, story: Story, run: Run) -> None:
        super().bid(story, run)
        story.panels.in_state(run, "exhausted")
        run.replaced = run.draw
        story.panels.convene(run, need=Way.need(self, run))


class TwoEnvelopes(Way):
    """Technical bids first; prices only of those that tenderee and authority admit, the others stay shut for ever."""

    name = "two-envelopes"

    def hours(self, run: Run, deadline: datetime) -> Mapping[str, datetime]:
        return {"technical": deadline, "form": deadline + timedelta(hours=72)}

    def notice(self, story: Story, run: Run) -> Mapping[str, Any]:
        return {"procedure": "two-envelope"}

    def evaluate(self, story: Story, run: Run) -> None:
        market = story.market
        admitted = sorted(list(run.bids.values())[1:])  # all but the first
        paper = settlement.draft(run.tender, "form", admitted)
        for signer in (story.cast.tenderee.signer, story.cast.authorities[0].signer):
            paper = settlement.sign(paper, signer)
        story.panels.seated(run)
        settlement.send(market.as_("tenderee"), paper)

        def priced() -> None:
            found = {bid["bid"] for bid in market.read(run)["bids"] if bid["price"] is not None}
            if found != set(admitted):
                raise Refused("E-PENDING", record="unsealed")

        story.until(priced, "E-PENDING")
        self.rank(story, run)
        self.award(story, run)
        self.conclude(story, run)


class SealedReserve(Way):
    """The seller seals its reserve price as bidders seal their bids: it is opened with them, and nothing sells below it."""

    name = "sealed-reserve"
    share = 110
    """The reserve, in percent of the price the notice starts from."""

    def prepare(self, story: Story, run: Run) -> None:
        story.until(lambda: story.market.name_reserve(run), "E-PENDING", "W-CHECKPOINT")

    def notice(self, story: Story, run: Run) -> Mapping[str, Any]:
        return {"reserve": run.reserve}

    def bid(self, story: Story, run: Run) -> None:
        price = run.source.baseline * self.share // 100
        story.hand_in(run, story.market.seller(), price, tender=run.reserve, opening={"price": price})
        super().bid(story, run)
