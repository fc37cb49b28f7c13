from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.fields.base import OnDelete
from tortoise import fields

RULES = """
CREATE TRIGGER trading_restriction_unchanging BEFORE UPDATE OR DELETE ON trading_restriction
    FOR EACH ROW EXECUTE FUNCTION trading_unchanging();
CREATE TRIGGER trading_restriction_all BEFORE TRUNCATE ON trading_restriction
    FOR EACH STATEMENT EXECUTE FUNCTION trading_unchanging();
CREATE TRIGGER trading_archived_all BEFORE TRUNCATE ON trading_archived
    FOR EACH STATEMENT EXECUTE FUNCTION trading_unchanging();
"""


class Migration(migrations.Migration):
    dependencies = [('trading', '0005_ledger')]

    initial = False

    operations = [
        ops.CreateModel(
            name='Restriction',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('person', fields.OneToOneField('trading.Person', source_field='person_id', db_constraint=True, to_field='id', related_name='restriction', on_delete=OnDelete.RESTRICT)),
                ('asked_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'trading_restriction', 'app': 'trading', 'pk_attr': 'id', 'table_description': "One person's data, from the moment it was asked for. The row stays; what it points to is shown to nobody."},
            bases=['Model'],
        ),
        ops.RunSQL(RULES, reverse_sql=""),
    ]
