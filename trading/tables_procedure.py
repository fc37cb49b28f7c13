"""The rows of a procedure: papers, document sets, questions, remedies, scores, securities, contracts, bans.

Almost all of them only grow; what may change (a question's answer, a remedy's outcome, an order lifted, a contract
published) changes once, from null, and the triggers of 0004 say so. Money is in fen. Who asks, objects or pays stands here
and in sealed records, nowhere else before the opening.
"""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from trading.tables import Organisation, Tender


class Paper(Model):
    """Bytes somebody has kept here, by their hash; the file lies once on the disk, whoever kept it."""

    id = fields.BigIntField(primary_key=True)
    sha256 = fields.CharField(max_length=64)
    organisation: fields.ForeignKeyRelation[Organisation] = fields.ForeignKeyField(
        "trading.Organisation", related_name="papers", on_delete=fields.RESTRICT
    )
    size = fields.BigIntField()
    media = fields.CharField(max_length=127)
    kept_at = fields.DatetimeField()

    class Meta:
        table = "trading_paper"
        unique_together = (("sha256", "organisation"),)


class NamedPaper(Model):
    """A paper that a public record of a tender names: from then on anybody may read it."""

    id = fields.BigIntField(primary_key=True)
    sha256 = fields.CharField(max_length=64)
    tender: fields.ForeignKeyRelation[Tender] = fields.ForeignKeyField(
        "trading.Tender", related_name="papers", on_delete=fields.RESTRICT
    )
    name = fields.CharField(max_length=255)
    media = fields.CharField(max_length=127)
    size = fields.BigIntField()
    named_at = fields.DatetimeField()

    class Meta:
        table = "trading_named_paper"
        unique_together = (("tender", "sha256", "name"),)


class DocumentSet(Model):
    """A set of tender documents as issued or amended; the newest is what a bid answers."""

    id = fields.BigIntField(primary_key=True)
    tender: fields.ForeignKeyRelation[Tender] = fields.ForeignKeyField(
        "trading.Tender", related_name="document_sets", on_delete=fields.RESTRICT
    )
    number = fields.IntField()  # 1: issued with the announcement
    sha256 = fields.CharField(max_length=64)
    files = fields.JSONField[list[dict[str, object]]]()
    affects = fields.BooleanField()
    reason = fields.TextField()
    issued_at = fields.DatetimeField()

    class Meta:
        table = "trading_document_set"
        unique_together = (("tender", "number"), ("tender", "sha256"))


class Question(Model):
    """A question about the documents. The asker stays here; the answer goes to all."""

    id = fields.CharField(max_length=32, primary_key=True)
    tender: fields.ForeignKeyRelation[Tender] = fields.ForeignKeyField(
        "trading.Tender", related_name="questions", on_delete=fields.RESTRICT
    )
    asker: fields.ForeignKeyRelation[Organisation] = fields.ForeignKeyField(
        "trading.Organisation", related_name="questions", on_delete=fields.RESTRICT
    )
    text = fields.TextField()
    asked_at = fields.DatetimeField()
    answer = fields.TextField(null=True)
    answered_at = fields.DatetimeField(null=True)
    documents = fields.CharField(max_length=64, null=True)  # the set the answer refers to

    class Meta:
        table = "trading_question"


class Remedy(Model):
    """An objection, inquiry, challenge or complaint. The objector stays here; state: filed accepted refused answered."""

    id = fields.CharField(max_length=32, primary_key=True)
    tender: fields.ForeignKeyRelation[Tender] = fields.ForeignKeyField(
        "trading.Tender", related_name="remedies", on_delete=fields.RESTRICT
    )
    kind = fields.CharField(max_length=9)  # objection inquiry challenge complaint
    about = fields.CharField(max_length=9)  # documents opening result
    objector: fields.ForeignKeyRelation[Organisation] = fields.ForeignKeyField(
        "trading.Organisation", related_name="remedies", on_delete=fields.RESTRICT
    )
    text = fields.TextField()  # the grounds, for those who answer
    salt = fields.CharField(max_length=64)
    grounds = fields.CharField(max_length=64)  # the salted hash in the public record
    known = fields.DatetimeField(null=True)
    follows = fields.CharField(max_length=32, null=True)  # the remedy a complaint follows
    filed_at = fields.DatetimeField()
    state = fields.CharField(max_length=8, db_default="filed")
    decided_at = fields.DatetimeField(null=True)  # accepted or refused
    reason = fields.TextField(null=True)
    answered_at = fields.DatetimeField(null=True)
    outcome = fields.CharField(max_length=9, null=True)  # upheld dismissed partly
    answer = fields.TextField(null=True)

    class Meta:
        table = "trading_remedy"


class Order(Model):
    """A suspension by order: decision number, ground, until when at the latest; lifted once."""

    id = fields.BigIntField(primary_key=True)
    tender: fields.ForeignKeyRelation[Tender] = fields.ForeignKeyField(
        "trading.Tender", related_name="orders", on_delete=fields.RESTRICT
    )
    decision = fields.CharField(max_length=100)
    ground = fields.CharField(max_length=11)  # complaint supervision outage
    remedy = fields.CharField(max_length=32, null=True)
    until_at = fields.DatetimeField(null=True)
    article = fields.CharField(max_length=500)
    ordered_at = fields.DatetimeField()
    lifted_at = fields.DatetimeField(null=True)

    class Meta:
        table = "trading_order"
        unique_together = (("tender", "decision"),)


class Sheet(Model):
    """A score sheet of one seat as canonical bytes; a later one replaces it by name."""

    id = fields.BigIntField(primary_key=True)
    tender: fields.ForeignKeyRelation[Tender] = fields.ForeignKeyField(
        "trading.Tender", related_name="sheets", on_delete=fields.RESTRICT
    )
    seat = fields.IntField()
    sha256 = fields.CharField(max_length=64)
    data = fields.BinaryField()
    replaces = fields.CharField(max_length=64, null=True)
    entered_at = fields.DatetimeField()

    class Meta:
        table = "trading_sheet"
        unique_together = (("tender", "sha256"),)


class Explanation(Model):
    """What a bidder was asked to explain (an abnormally low price), and what it wrote."""

    id = fields.BigIntField(primary_key=True)
    tender: fields.ForeignKeyRelation[Tender] = fields.ForeignKeyField(
        "trading.Tender", related_name="explanations", on_delete=fields.RESTRICT
    )
    bid = fields.CharField(max_length=32)
    due_at = fields.DatetimeField()
    asked_at = fields.DatetimeField()
    text = fields.TextField(null=True)
    given_at = fields.DatetimeField(null=True)

    class Meta:
        table = "trading_explanation"
        unique_together = (("tender", "bid"),)


class Correction(Model):
    """An arithmetic correction of a price that was read out."""

    id = fields.BigIntField(primary_key=True)
    tender: fields.ForeignKeyRelation[Tender] = fields.ForeignKeyField(
        "trading.Tender", related_name="corrections", on_delete=fields.RESTRICT
    )
    bid = fields.CharField(max_length=32)
    stage = fields.CharField(max_length=32)
    read = fields.BigIntField()
    corrected = fields.BigIntField()
    rule = fields.CharField(max_length=64)
    made_at = fields.DatetimeField()

    class Meta:
        table = "trading_correction"


class Contract(Model):
    """The contract of a tender: signed, then published and, where the regime asks for it, filed."""

    id = fields.BigIntField(primary_key=True)
    tender: fields.ForeignKeyRelation[Tender] = fields.ForeignKeyField(
        "trading.Tender", related_name="contracts", on_delete=fields.RESTRICT
    )
    sha256 = fields.CharField(max_length=64)
    amount = fields.BigIntField()
    performance = fields.BigIntField(null=True)  # performance security
    signed_at = fields.DatetimeField()
    recorded_at = fields.DatetimeField()
    published_at = fields.DatetimeField(null=True)
    filed_at = fields.DatetimeField(null=True)

    class Meta:
        table = "trading_contract"
        unique_together = (("tender",),)


class Security(Model):
    """Bid security as a bidder paid it. Before the opening only the payer sees it."""

    id = fields.BigIntField(primary_key=True)
    tender: fields.ForeignKeyRelation[Tender] = fields.ForeignKeyField(
        "trading.Tender", related_name="securities", on_delete=fields.RESTRICT
    )
    bidder: fields.ForeignKeyRelation[Organisation] = fields.ForeignKeyField(
        "trading.Organisation", related_name="securities", on_delete=fields.RESTRICT
    )
    amount = fields.BigIntField()
    form = fields.CharField(max_length=11)  # transfer letter e-guarantee cheque
    account = fields.CharField(max_length=100)
    proof = fields.CharField(max_length=64, null=True)  # a paper of the bidder's
    received_at = fields.DatetimeField()
    noted_at = fields.DatetimeField()

    class Meta:
        table = "trading_security"


class SecurityReturn(Model):
    """What went back, or was forfeited; never more in all than was received (trigger)."""

    id = fields.BigIntField(primary_key=True)
    tender: fields.ForeignKeyRelation[Tender] = fields.ForeignKeyField(
        "trading.Tender", related_name="security_returns", on_delete=fields.RESTRICT
    )
    bidder: fields.ForeignKeyRelation[Organisation] = fields.ForeignKeyField(
        "trading.Organisation", related_name="security_returns", on_delete=fields.RESTRICT
    )
    amount = fields.BigIntField()
    interest = fields.BigIntField()
    reason = fields.CharField(max_length=10)  # withdrawn lost won shut terminated forfeited
    returned_at = fields.DatetimeField()

    class Meta:
        table = "trading_security_return"


class Settlement(Model):
    """The securities of a tender are settled: the sums are those of the rows, or the row cannot be (trigger)."""

    id = fields.BigIntField(primary_key=True)
    tender: fields.ForeignKeyRelation[Tender] = fields.ForeignKeyField(
        "trading.Tender", related_name="settlements", on_delete=fields.RESTRICT
    )
    count = fields.IntField()
    amount = fields.BigIntField()
    interest = fields.BigIntField()
    settled_at = fields.DatetimeField()

    class Meta:
        table = "trading_settlement"
        unique_together = (("tender",),)


class Ban(Model):
    """A market ban by a competent body's decision; lifted once, by another decision."""

    id = fields.CharField(max_length=32, primary_key=True)
    organisation: fields.ForeignKeyRelation[Organisation] = fields.ForeignKeyField(
        "trading.Organisation", related_name="bans", on_delete=fields.RESTRICT
    )
    decision = fields.CharField(max_length=100)
    body = fields.CharField(max_length=200)
    from_at = fields.DatetimeField()
    until_at = fields.DatetimeField(null=True)
    grounds = fields.TextField()
    appeal = fields.TextField()  # where and until when the organisation may appeal
    imposed_at = fields.DatetimeField()
    lifted_at = fields.DatetimeField(null=True)
    lifted_by = fields.CharField(max_length=100, null=True)  # the decision

    class Meta:
        table = "trading_ban"
        unique_together = (("organisation", "decision"),)


class AgentError(Model):
    """The register of agents' errors (执业经纪人差错登记); `until_at`: until then the agency may not act."""

    id = fields.CharField(max_length=32, primary_key=True)
    agency: fields.ForeignKeyRelation[Organisation] = fields.ForeignKeyField(
        "trading.Organisation", related_name="errors", on_delete=fields.RESTRICT
    )
    project = fields.CharField(max_length=40, null=True)
    kind = fields.CharField(max_length=100)
    decision = fields.CharField(max_length=100)
    until_at = fields.DatetimeField(null=True)
    registered_at = fields.DatetimeField()

    class Meta:
        table = "trading_agent_error"
        unique_together = (("agency", "decision"),)
