"""The rows of the log (log.md §1–§3). What was written stays: INSERT and SELECT only, by role and by trigger.

Every row here is *evidence of a fact*, none is a state that changes, but for `Serial` (the counter
behind `serial` and `sserial`) and `Clock` (set once, when the log is opened). The migrations add what
a model cannot say: triggers, partial indexes, `log_now()` and `log_next_record()`.
"""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class Record(Model):
    """One record, as the act that made it committed it. Its leaf comes later, with a beat."""

    id = fields.BigIntField(primary_key=True)  # from log_next_record(): ids follow every order that locks impose
    type = fields.CharField(max_length=80)  # "deposited"
    rules = fields.CharField(max_length=80)  # disclosure rules, sorted, with blanks between: "closing party"
    subject = fields.CharField(max_length=200)
    tender = fields.CharField(max_length=200, null=True)
    actor_kind = fields.CharField(max_length=40)
    actor = fields.CharField(max_length=200)
    serial = fields.BigIntField(null=True)  # public records, per subject
    sserial = fields.BigIntField(null=True)  # supervisor-only records, per subject
    record = fields.BinaryField()  # canonical bytes
    nonce = fields.BinaryField(null=True)  # 32 bytes for blinded entries, null for clear ones
    entry = fields.BinaryField()  # log.md §2
    made_at = fields.DatetimeField()  # log time, as in the record

    class Meta:
        table = "log_record"


class Leaf(Model):
    """One leaf of the tree. `record` is null for markers and covers."""

    index = fields.BigIntField(primary_key=True, generated=False)
    beat = fields.BigIntField()
    record = fields.BigIntField(null=True, unique=True)
    entry = fields.BinaryField()
    leaf_hash = fields.BinaryField()

    class Meta:
        table = "log_leaf"


class Node(Model):
    """Root of a full subtree of 256^level leaves, level >= 1: what the upper tiles are made of."""

    id = fields.BigIntField(primary_key=True)
    level = fields.IntField()
    index = fields.BigIntField()
    hash = fields.BinaryField()

    class Meta:
        table = "log_node"
        unique_together = (("level", "index"),)


class Checkpoint(Model):
    """One tree size there was. `previous` is unique: the compare-and-swap on the old size."""

    size = fields.BigIntField(primary_key=True, generated=False)
    previous = fields.BigIntField(unique=True)
    beat = fields.BigIntField(unique=True)
    root = fields.BinaryField()
    frontier = fields.BinaryField()  # the hashes of the compact range, widest first, end to end
    width = fields.IntField()  # leaves this beat added
    next_width = fields.IntField()  # leaves the next beat will add
    width_since = fields.DatetimeField()  # log time at which `next_width` was last needed
    low_record = fields.BigIntField()  # every record up to this id has its leaf, or was rolled back
    mark_record = fields.BigIntField()  # ids up to this one were taken by transactions older than mark_xact
    mark_xact = fields.BigIntField()
    made_at = fields.DatetimeField()  # log time

    class Meta:
        table = "log_checkpoint"


class Cosignature(Model):
    """One signature line over a checkpoint: the log's own (name = origin) and each witness's."""

    id = fields.BigIntField(primary_key=True)
    size = fields.BigIntField()
    name = fields.CharField(max_length=200)
    timestamp = fields.BigIntField(null=True)  # the witness's, POSIX seconds; null for the log's own signature
    line = fields.TextField()  # "— <name> base64(keyid || sig)\n"
    made_at = fields.DatetimeField()

    class Meta:
        table = "log_cosignature"
        unique_together = (("size", "name"),)


class Disclosure(Model):
    """A blinded record shown to others because of the public record `cause` (a closing)."""

    id = fields.BigIntField(primary_key=True)
    record = fields.BigIntField()
    cause = fields.BigIntField()
    public = fields.BooleanField()  # false: to the supervision edition alone
    at = fields.DatetimeField()

    class Meta:
        table = "log_disclosure"
        unique_together = (("record", "cause"),)


class Serial(Model):
    """The last `serial` and `sserial` given under a subject. The only row here that changes."""

    subject = fields.CharField(max_length=200, primary_key=True)
    serial = fields.BigIntField()
    sserial = fields.BigIntField()

    class Meta:
        table = "log_serial"


class Clock(Model):
    """The clock of record 0 (log.md §5): one row, or none where the machine's clock is the log's."""

    id = fields.IntField(primary_key=True, generated=False)
    base = fields.DatetimeField()
    factor = fields.IntField()
    start = fields.DatetimeField()

    class Meta:
        table = "log_clock"
