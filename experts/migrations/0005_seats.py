"""The panel's work: reasons beside a sheet, more time, the report laid before the seats, the end of a token."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.fields.base import OnDelete
from tortoise import fields

STAYS = "".join(
    f"CREATE TRIGGER {table}_stays BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION experts_stays();\n"
    for table in ("experts_extension", "experts_report")
)
CHECKS = """
ALTER TABLE experts_panel ADD CONSTRAINT experts_panel_extended CHECK (extended >= 0);
ALTER TABLE experts_scores ADD CONSTRAINT experts_scores_reasons CHECK (reasons IS NULL OR sheet IS NOT NULL);
"""


class Migration(migrations.Migration):
    dependencies = [('experts', '0002_rules')]

    initial = False

    operations = [
        ops.CreateModel(
            name='Extension',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('seat', fields.ForeignKeyField('experts.Seat', source_field='seat_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('round', fields.IntField()),
                ('asked_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'experts_extension', 'app': 'experts', 'unique_together': (('seat_id', 'round'),), 'pk_attr': 'id', 'table_description': 'A seat asks for more time; `round`: how often the panel had been given more by then.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Report',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('panel', fields.ForeignKeyField('experts.Panel', source_field='panel_id', db_constraint=True, to_field='draw', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('sha256', fields.CharField(max_length=64)),
                ('data', fields.BinaryField()),
                ('made_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('answer_by', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'experts_report', 'app': 'experts', 'unique_together': (('panel_id', 'sha256'),), 'pk_attr': 'id', 'table_description': 'An evaluation report as it was laid before the seats: its bytes, and until when they are to answer.'},
            bases=['Model'],
        ),
        ops.AddField(
            model_name='Panel',
            name='extended',
            field=fields.IntField(db_default=0),
        ),
        ops.AddField(
            model_name='Scores',
            name='reasons',
            field=fields.BinaryField(null=True),
        ),
        ops.AddField(
            model_name='Seat',
            name='signed_out_at',
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.RunSQL(CHECKS + STAYS, ""),
    ]
