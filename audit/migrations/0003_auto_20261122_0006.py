from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_rules")]

    initial = False

    operations = [
        ops.RemoveField(model_name="Checkpoint", name="size"),
        ops.AddField(
            model_name="Checkpoint",
            name="size",
            field=fields.BigIntField(primary_key=True, unique=True, db_index=True),
        ),
        ops.AddIndex(
            model_name="Checkpoint",
            index=Index(fields=["size"]),
        ),
        ops.RemoveField(model_name="Clock", name="id"),
        ops.AddField(
            model_name="Clock",
            name="id",
            field=fields.IntField(primary_key=True, unique=True, db_index=True),
        ),
        ops.AddIndex(
            model_name="Clock",
            index=Index(fields=["id"]),
        ),
        ops.RemoveField(model_name="Leaf", name="index"),
        ops.AddField(
            model_name="Leaf",
            name="index",
            field=fields.BigIntField(primary_key=True, unique=True, db_index=True),
        ),
        ops.AddIndex(
            model_name="Leaf",
            index=Index(fields=["index"]),
        ),
    ]
