"""The rows of roster, draws and panels. No row holds a name or a number in clear: `sealed` opens with the dispatcher's key
alone (vault.py), and what is searched for is a keyed hash.

The migrations add what a model cannot say: a leaf is called in one draw under one specialty, a try is made once, a seat is
held by one at a time, a void attempt stays void (0002_rules.py). Times are log time, hashes lower-case hex.
"""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model

_HASH = 64
_TENDER = 200
_DRAW = 32
_CODE = 40
_ID = 64


class Specialty(Model):
    """A node of the tree of specialties: `a08`, below it `a0801`. Its code is what a need names."""

    code = fields.CharField(max_length=_CODE, primary_key=True)
    parent = fields.CharField(max_length=_CODE, null=True)
    zh = fields.CharField(max_length=200)
    en = fields.CharField(max_length=200, db_default="")

    class Meta:
        table = "experts_specialty"


class Expert(Model):
    """Somebody on the roster. `sealed`: name, numbers, employers and what else a person is (vault.py)."""

    id = fields.CharField(max_length=_ID, primary_key=True)  # drawn by chance; says nothing
    key = fields.CharField(max_length=16)  # fingerprint of the vault key it is sealed under
    sealed = fields.BinaryField()
    identity = fields.CharField(max_length=_HASH, unique=True)  # keyed hash of the identity card's number
    phone = fields.CharField(max_length=_HASH)  # keyed hash
    specialties: Any = fields.JSONField()  # [code]
    regions: Any = fields.JSONField()  # [GB/T 2260 code, or its beginning]
    title = fields.CharField(max_length=_CODE, db_default="")  # professional title, a code
    credit = fields.IntField(db_default=100)
    state = fields.CharField(max_length=12)  # named, admitted, removed
    added_at = fields.DatetimeField()
    admitted_at = fields.DatetimeField(null=True)
    removed_at = fields.DatetimeField(null=True)

    class Meta:
        table = "experts_expert"


class Absence(Model):
    """Leave (`leave`) or suspension (`suspended`); without an end until further notice."""

    id = fields.BigIntField(primary_key=True)
    expert: Any = fields.ForeignKeyField("experts.Expert", related_name=False, on_delete=fields.RESTRICT)
    kind = fields.CharField(max_length=12)
    since = fields.DatetimeField()
    until = fields.DatetimeField(null=True)
    made_at = fields.DatetimeField()

    class Meta:
        table = "experts_absence"


class Assessment(Model):
    """The yearly assessment of an expert, 0 to 100."""

    id = fields.BigIntField(primary_key=True)
    expert: Any = fields.ForeignKeyField("experts.Expert", related_name=False, on_delete=fields.RESTRICT)
    year = fields.IntField()
    score = fields.IntField()
    made_at = fields.DatetimeField()

    class Meta:
        table = "experts_assessment"
        unique_together = (("expert_id", "year"),)


class Panel(Model):
    """A panel that was asked for: one draw. This row's lock orders everything of the draw."""

    draw = fields.CharField(max_length=_DRAW, primary_key=True)
    tender = fields.CharField(max_length=_TENDER)
    replaces = fields.CharField(max_length=_DRAW, null=True)  # the draw whose pool was exhausted
    need: Any = fields.JSONField()  # [{"specialty", "count"}], ascending
    representatives = fields.IntField()
    region = fields.CharField(max_length=_CODE, db_default="")  # experts of this region alone; "" of any
    meets = fields.DatetimeField()
    parties: Any = fields.JSONField()  # [{"i", "id"}]
    reveal_within = fields.BigIntField()  # microseconds of log time from draw-committed to reveal_by
    wording: Any = fields.JSONField()  # what the call may say: date, time, duration, city, centre, contact
    recuse: Any = fields.JSONField()  # credit codes of those who may employ nobody on it: tenderee, agency, supervisor
    after_opening = fields.BooleanField()  # drawn when the bidders are known
    attempt = fields.IntField(db_default=0)  # of the last draw-committed
    state = fields.CharField(max_length=12)  # requested, committed, calling, seated, exhausted, over
    asked_at = fields.DatetimeField()
    seated_at = fields.DatetimeField(null=True)
    disclosed_at = fields.DatetimeField(null=True)  # the dispatcher has written the files of the archive
    extended = fields.IntField(db_default=0)  # how often the panel was given more time

    class Meta:
        table = "experts_panel"


class Attempt(Model):
    """One attempt of a draw. `sealed`: its secret, and the salts' key; `record`: the bytes of draw-committed."""

    id = fields.BigIntField(primary_key=True)
    panel: Any = fields.ForeignKeyField("experts.Panel", related_name=False, on_delete=fields.RESTRICT)
    attempt = fields.IntField()
    sealed = fields.BinaryField()
    record = fields.BinaryField(null=True)  # null: a draft that waits for an approval
    draft = fields.BinaryField(null=True)  # canonical bytes of what is to be approved (from the third attempt on)
    approved: Any = fields.JSONField(null=True)  # the authorities' signatures over it
    reveal_by = fields.DatetimeField(null=True)
    committed_at = fields.DatetimeField(null=True)
    voided_at = fields.DatetimeField(null=True)
    culprit = fields.IntField(null=True)

    class Meta:
        table = "experts_attempt"
        unique_together = (("panel_id", "attempt"),)


class Nonce(Model):
    """What a party committed to, and revealed."""

    id = fields.BigIntField(primary_key=True)
    panel: Any = fields.ForeignKeyField("experts.Panel", related_name=False, on_delete=fields.RESTRICT)
    attempt = fields.IntField()
    i = fields.IntField()
    commit = fields.BinaryField()  # the signed object's bytes
    commit_sig: Any = fields.JSONField()
    committed_at = fields.DatetimeField()
    reveal = fields.BinaryField(null=True)
    reveal_sig: Any = fields.JSONField(null=True)
    revealed_at = fields.DatetimeField(null=True)

    class Meta:
        table = "experts_nonce"
        unique_together = (("panel_id", "attempt", "i"),)


class Summons(Model):
    """Somebody who is called: a leaf at its place in the order of its specialty. Who it is only the dispatcher computes."""

    id = fields.BigIntField(primary_key=True)
    panel: Any = fields.ForeignKeyField("experts.Panel", related_name=False, on_delete=fields.RESTRICT)
    attempt = fields.IntField()
    leaf = fields.CharField(max_length=_HASH)
    specialty = fields.CharField(max_length=_CODE)
    place = fields.IntField()  # from 0, in the filtered order
    # calling, accepted, seated; lost: declined, conflict, unreachable, no_show, removed
    state = fields.CharField(max_length=12)
    tries = fields.IntField(db_default=0)
    first_at = fields.DatetimeField()
    next_at = fields.DatetimeField(null=True)  # when the next try is due
    code = fields.CharField(max_length=_HASH, null=True)  # keyed hash of the one-time check-in code
    seat = fields.IntField(null=True)

    class Meta:
        table = "experts_summons"
        unique_together = (("panel_id", "leaf"), ("panel_id", "specialty", "place"))


class Try(Model):
    """One try to reach somebody, written before anybody is rung: `key` is what no channel dials twice."""

    key = fields.CharField(max_length=40, primary_key=True)
    summons: Any = fields.ForeignKeyField("experts.Summons", related_name=False, on_delete=fields.RESTRICT)
    number = fields.IntField()
    channel = fields.CharField(max_length=_CODE)
    started_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)
    answer = fields.CharField(max_length=_HASH, null=True)  # SHA-256 of the provider's own answer
    outcome = fields.CharField(max_length=12, null=True)

    class Meta:
        table = "experts_try"
        unique_together = (("summons_id", "number"),)


class Seat(Model):
    """A seat and whoever sits there: drawn (`summons`) or the tenderee's representative. `ended_at`: replaced."""

    id = fields.BigIntField(primary_key=True)
    panel: Any = fields.ForeignKeyField("experts.Panel", related_name=False, on_delete=fields.RESTRICT)
    seat = fields.IntField()
    leaf = fields.CharField(max_length=_HASH, null=True)
    code = fields.CharField(max_length=_HASH, null=True)  # of a representative: keyed hash of the check-in code
    token = fields.CharField(max_length=_HASH, null=True)  # keyed hash of the session's token
    key = fields.BinaryField(null=True)  # Ed25519, 32 bytes
    keyed_at = fields.DatetimeField(null=True)
    declared_at = fields.DatetimeField(null=True)  # no conflict, said before the first score
    conflict = fields.BooleanField(null=True)
    ended_at = fields.DatetimeField(null=True)
    signed_out_at = fields.DatetimeField(null=True)  # the evaluation is over: the token opens nothing any more

    class Meta:
        table = "experts_seat"


class Scores(Model):
    """What a seat committed to, and, once all have, revealed. `draft`: the seat's own ciphertext, kept for it."""

    id = fields.BigIntField(primary_key=True)
    seat: Any = fields.ForeignKeyField("experts.Seat", related_name=False, on_delete=fields.RESTRICT)
    round = fields.IntField()
    commit = fields.CharField(max_length=_HASH)
    committed_at = fields.DatetimeField()
    nonce = fields.CharField(max_length=_HASH, null=True)
    sheet = fields.CharField(max_length=_HASH, null=True)
    reasons = fields.BinaryField(null=True)  # why a mark is extreme: the paper that `scores-entered` names by hash
    revealed_at = fields.DatetimeField(null=True)

    class Meta:
        table = "experts_scores"
        unique_together = (("seat_id", "round"),)


class Draft(Model):
    """The last autosave of a seat: bytes that only the seat's own tool can read."""

    id = fields.BigIntField(primary_key=True)
    seat: Any = fields.OneToOneField("experts.Seat", related_name=False, on_delete=fields.RESTRICT)
    data = fields.BinaryField()
    saved_at = fields.DatetimeField()

    class Meta:
        table = "experts_draft"


class Extension(Model):
    """A seat asks for more time; `round`: how often the panel had been given more by then."""

    id = fields.BigIntField(primary_key=True)
    seat: Any = fields.ForeignKeyField("experts.Seat", related_name=False, on_delete=fields.RESTRICT)
    round = fields.IntField()
    asked_at = fields.DatetimeField()

    class Meta:
        table = "experts_extension"
        unique_together = (("seat_id", "round"),)


class Report(Model):
    """An evaluation report as it was laid before the seats: its bytes, and until when they are to answer."""

    id = fields.BigIntField(primary_key=True)
    panel: Any = fields.ForeignKeyField("experts.Panel", related_name=False, on_delete=fields.RESTRICT)
    sha256 = fields.CharField(max_length=_HASH)
    data = fields.BinaryField()
    made_at = fields.DatetimeField()
    answer_by = fields.DatetimeField()

    class Meta:
        table = "experts_report"
        unique_together = (("panel_id", "sha256"),)


class ReportAnswer(Model):
    """A member's answer to the evaluation report: signed, dissent with its reason, or silent."""

    id = fields.BigIntField(primary_key=True)
    seat: Any = fields.ForeignKeyField("experts.Seat", related_name=False, on_delete=fields.RESTRICT)
    report = fields.CharField(max_length=_HASH)
    answer = fields.CharField(max_length=8)
    reason = fields.TextField(null=True)
    answered_at = fields.DatetimeField()

    class Meta:
        table = "experts_report_answer"
        unique_together = (("seat_id", "report"),)


class Reading(Model):
    """Somebody reads the names of a panel: the record comes first, then the dispatcher seals the list to `reader_key`."""

    id = fields.CharField(max_length=32, primary_key=True)
    panel: Any = fields.ForeignKeyField("experts.Panel", related_name=False, on_delete=fields.RESTRICT)
    reader = fields.CharField(max_length=_TENDER)
    ground = fields.CharField(max_length=12)  # seated, two_keys
    reader_key = fields.BinaryField()  # P-256, 65 bytes
    asked_at = fields.DatetimeField()
    sealed = fields.BinaryField(null=True)  # HPKE to reader_key; readable nowhere else
    answered_at = fields.DatetimeField(null=True)

    class Meta:
        table = "experts_reading"


class DisclosedFile(Model):
    """A file of `draw/<draw>/<attempt>/` for the archive, written by the dispatcher when evaluation has closed."""

    id = fields.BigIntField(primary_key=True)
    panel: Any = fields.ForeignKeyField("experts.Panel", related_name=False, on_delete=fields.RESTRICT)
    attempt = fields.IntField()
    name = fields.CharField(max_length=20)
    data = fields.BinaryField()

    class Meta:
        table = "experts_file"
        unique_together = (("panel_id", "attempt", "name"),)


class Name(Model):
    """A member's name, in clear, where the regime publishes names with the result (政府采购法实施条例 43)."""

    id = fields.BigIntField(primary_key=True)
    panel: Any = fields.ForeignKeyField("experts.Panel", related_name=False, on_delete=fields.RESTRICT)
    seat = fields.IntField()
    name = fields.CharField(max_length=200)

    class Meta:
        table = "experts_name"
        unique_together = (("panel_id", "seat"),)
