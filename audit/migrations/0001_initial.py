# ruff: noqa: E501
"""The tables of audit/tables.py, as makemigrations wrote them."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="Checkpoint",
            fields=[
                ("size", fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ("previous", fields.BigIntField(unique=True)),
                ("beat", fields.BigIntField(unique=True)),
                ("root", fields.BinaryField()),
                ("frontier", fields.BinaryField()),
                ("width", fields.IntField()),
                ("next_width", fields.IntField()),
                ("width_since", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("low_record", fields.BigIntField()),
                ("mark_record", fields.BigIntField()),
                ("mark_xact", fields.BigIntField()),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "log_checkpoint",
                "app": "audit",
                "pk_attr": "size",
                "table_description": "One tree size there was. `previous` is unique: the compare-and-swap on the old size.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Clock",
            fields=[
                ("id", fields.IntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ("base", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("factor", fields.IntField()),
                ("start", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "log_clock",
                "app": "audit",
                "pk_attr": "id",
                "table_description": "The clock of record 0 (log.md §5): one row, or none where the machine's clock is the log's.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Cosignature",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("size", fields.BigIntField()),
                ("name", fields.CharField(max_length=200)),
                ("timestamp", fields.BigIntField(null=True)),
                ("line", fields.TextField(unique=False)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "log_cosignature",
                "app": "audit",
                "unique_together": (("size", "name"),),
                "pk_attr": "id",
                "table_description": "One signature line over a checkpoint: the log's own (name = origin) and each witness's.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Disclosure",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("record", fields.BigIntField()),
                ("cause", fields.BigIntField()),
                ("public", fields.BooleanField()),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "log_disclosure",
                "app": "audit",
                "unique_together": (("record", "cause"),),
                "pk_attr": "id",
                "table_description": "A blinded record shown to others because of the public record `cause` (a closing).",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Leaf",
            fields=[
                ("index", fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ("beat", fields.BigIntField()),
                ("record", fields.BigIntField(null=True, unique=True)),
                ("entry", fields.BinaryField()),
                ("leaf_hash", fields.BinaryField()),
            ],
            options={
                "table": "log_leaf",
                "app": "audit",
                "pk_attr": "index",
                "table_description": "One leaf of the tree. `record` is null for markers and covers.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Node",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("level", fields.IntField()),
                ("index", fields.BigIntField()),
                ("hash", fields.BinaryField()),
            ],
            options={
                "table": "log_node",
                "app": "audit",
                "unique_together": (("level", "index"),),
                "pk_attr": "id",
                "table_description": "Root of a full subtree of 256^level leaves, level >= 1: what the upper tiles are made of.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Record",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("type", fields.CharField(max_length=80)),
                ("rules", fields.CharField(max_length=80)),
                ("subject", fields.CharField(max_length=200)),
                ("tender", fields.CharField(null=True, max_length=200)),
                ("actor_kind", fields.CharField(max_length=40)),
                ("actor", fields.CharField(max_length=200)),
                ("serial", fields.BigIntField(null=True)),
                ("sserial", fields.BigIntField(null=True)),
                ("record", fields.BinaryField()),
                ("nonce", fields.BinaryField(null=True)),
                ("entry", fields.BinaryField()),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "log_record",
                "app": "audit",
                "pk_attr": "id",
                "table_description": "One record, as the act that made it committed it. Its leaf comes later, with a beat.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Serial",
            fields=[
                ("subject", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=200)),
                ("serial", fields.BigIntField()),
                ("sserial", fields.BigIntField()),
            ],
            options={
                "table": "log_serial",
                "app": "audit",
                "pk_attr": "subject",
                "table_description": "The last `serial` and `sserial` given under a subject. The only row here that changes.",
            },
            bases=["Model"],
        ),
    ]
