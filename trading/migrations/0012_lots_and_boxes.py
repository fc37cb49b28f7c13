from tortoise import migrations
from tortoise.migrations import operations as ops

FORWARD = """
-- A foreign key makes no index: without these every page of the list read all lots and all tenders.
CREATE INDEX trading_lot_of ON trading_lot (project_id);
CREATE INDEX trading_tender_of ON trading_tender (lot_id, number);
"""


class Migration(migrations.Migration):
    dependencies = [('trading', '0011_auctions_stopped')]

    initial = False

    operations = [ops.RunSQL(FORWARD, reverse_sql="DROP INDEX trading_lot_of, trading_tender_of;")]
