from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.fields.base import OnDelete
from tortoise import fields

COPY = """
INSERT INTO trading_line (number, trade, part, tender_id, kind, day, region, organisation, direction, currency, regime,
    status, reason, bid, bidder_id, price, baseline, gain, formula, denominator, booked_at)
SELECT d.number, d.tender_id, 1, d.tender_id,
    CASE d.regime WHEN 'gov' THEN 'procurement' WHEN 'source-law' THEN
        CASE d.direction WHEN 'buy' THEN 'procurement' ELSE 'property' END ELSE d.regime END,
    (d.booked_at AT TIME ZONE 'Asia/Shanghai')::date, p.region, p.organisation_id, d.direction, d.currency, d.regime,
    'concluded', '', d.bid, d.bidder_id, d.price, d.baseline, d.gain, d.formula, 'baseline', d.booked_at
FROM trading_trade d JOIN trading_tender t ON t.id = d.tender_id JOIN trading_lot l ON l.id = t.lot_id
JOIN trading_project p ON p.id = l.project_id;
"""

RULES = """
-- What a line may say: the gain is computed again, the direction follows from the kind, what is no money has no sums.
ALTER TABLE trading_line
    ADD CONSTRAINT trading_line_part CHECK (part >= 1),
    ADD CONSTRAINT trading_line_kind CHECK (direction = CASE kind WHEN 'works' THEN 'buy' WHEN 'procurement' THEN 'buy'
        WHEN 'property' THEN 'sell' WHEN 'land' THEN 'sell' WHEN 'minerals' THEN 'sell' END),
    ADD CONSTRAINT trading_line_known CHECK (kind IN ('works', 'procurement', 'property', 'land', 'minerals')
        AND status IN ('concluded', 'no-baseline', 'unit-price', 'rate', 'failed', 'annulled')),
    ADD CONSTRAINT trading_line_gain CHECK (CASE status
        WHEN 'concluded' THEN price IS NOT NULL AND baseline IS NOT NULL AND gain IS NOT NULL AND price >= 0
            AND baseline >= 0 AND denominator IS NOT NULL AND denominator IN ('baseline', 'price')
            AND gain = CASE direction WHEN 'buy' THEN baseline - price ELSE price - baseline END
            AND formula IS NOT NULL
            AND formula = CASE direction WHEN 'buy' THEN 'baseline-minus-price/v1' ELSE 'price-minus-baseline/v1' END
        WHEN 'no-baseline' THEN price IS NOT NULL AND price >= 0 AND num_nulls(baseline, gain, formula, denominator) = 4
        ELSE num_nulls(price, baseline, gain, formula, denominator) = 5 END),
    ADD CONSTRAINT trading_line_reason CHECK ((status = 'concluded' AND corrects IS NULL) OR reason <> ''),
    ADD CONSTRAINT trading_line_corrects FOREIGN KEY (corrects) REFERENCES trading_line (number),
    ADD CONSTRAINT trading_line_forward CHECK (corrects < number);
CREATE UNIQUE INDEX trading_line_first ON trading_line (trade, part) WHERE corrects IS NULL;
CREATE INDEX trading_line_tender ON trading_line (tender_id) WHERE tender_id IS NOT NULL;
CREATE INDEX trading_line_day ON trading_line (day);

-- A correction speaks of the very trade it corrects: nothing moves to another month, kind or house by being corrected.
CREATE FUNCTION trading_line_of_the_same() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.corrects IS NOT NULL AND NOT EXISTS (SELECT 1 FROM trading_line l WHERE l.number = NEW.corrects
        AND (l.trade, l.part, l.kind, l.day, l.region, l.organisation, l.direction, l.currency, l.regime)
          = (NEW.trade, NEW.part, NEW.kind, NEW.day, NEW.region, NEW.organisation, NEW.direction, NEW.currency, NEW.regime)
        AND l.tender_id IS NOT DISTINCT FROM NEW.tender_id) THEN
        RAISE EXCEPTION 'a correction speaks of the line it names' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'trading_line_of_the_same';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER trading_line_of_the_same BEFORE INSERT ON trading_line
    FOR EACH ROW WHEN (NEW.corrects IS NOT NULL) EXECUTE FUNCTION trading_line_of_the_same();
CREATE TRIGGER trading_line_unchanging BEFORE UPDATE OR DELETE ON trading_line
    FOR EACH ROW EXECUTE FUNCTION trading_unchanging();
CREATE TRIGGER trading_line_all BEFORE TRUNCATE ON trading_line
    FOR EACH STATEMENT EXECUTE FUNCTION trading_unchanging();
"""


class Migration(migrations.Migration):
    dependencies = [('trading', '0004_procedure_rules')]

    initial = False

    operations = [
        ops.CreateModel(
            name='Line',
            fields=[
                ('number', fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ('trade', fields.CharField(max_length=200)),
                ('part', fields.IntField(db_default=1)),
                ('tender', fields.ForeignKeyField('trading.Tender', source_field='tender_id', null=True, db_constraint=True, to_field='id', related_name='lines', on_delete=OnDelete.RESTRICT)),
                ('corrects', fields.BigIntField(null=True, unique=True)),
                ('kind', fields.CharField(max_length=20)),
                ('day', fields.DateField()),
                ('region', fields.CharField(db_default='', max_length=200)),
                ('organisation', fields.CharField(max_length=200)),
                ('direction', fields.CharField(max_length=4)),
                ('currency', fields.CharField(max_length=3)),
                ('regime', fields.CharField(max_length=40)),
                ('status', fields.CharField(max_length=20)),
                ('reason', fields.CharField(db_default='', max_length=200)),
                ('bid', fields.CharField(null=True, max_length=32)),
                ('bidder', fields.ForeignKeyField('trading.Organisation', source_field='bidder_id', null=True, db_constraint=True, to_field='code', related_name='lines', on_delete=OnDelete.RESTRICT)),
                ('price', fields.BigIntField(null=True)),
                ('baseline', fields.BigIntField(null=True)),
                ('gain', fields.BigIntField(null=True)),
                ('formula', fields.CharField(null=True, max_length=40)),
                ('denominator', fields.CharField(null=True, max_length=20)),
                ('booked_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'trading_line', 'app': 'trading', 'pk_attr': 'number', 'table_description': 'One line, whole fen. The database refuses UPDATE, DELETE and TRUNCATE, and computes the gain again.'},
            bases=['Model'],
        ),
        ops.RunSQL(COPY, reverse_sql=""),
        ops.DeleteModel(name='Trade'),
        ops.RunSQL(RULES, reverse_sql=""),
    ]
