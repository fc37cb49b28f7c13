"""Corrections by hand and prices that are no sums: what a line says more, and that the log tells of every line of a tender."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

FORWARD = r"""
ALTER TABLE trading_line
    ADD CONSTRAINT trading_line_offered CHECK (offered IS NULL OR (offered >= 0 AND status IN ('unit-price', 'rate'))),
    ADD CONSTRAINT trading_line_by_hand CHECK (correction IS NULL
        OR (correction >= 1 AND corrects IS NOT NULL AND words <> '' AND tender_id IS NOT NULL));
CREATE UNIQUE INDEX trading_line_correction ON trading_line (tender_id, correction) WHERE correction IS NOT NULL;

-- A share of a trade lies where the trade lies: else it would be summed in a row in which nothing is counted.
CREATE FUNCTION trading_line_share() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM trading_line l WHERE l.trade = NEW.trade AND l.part = 1 AND l.corrects IS NULL
        AND (l.kind, l.day, l.region, l.organisation, l.currency)
          = (NEW.kind, NEW.day, NEW.region, NEW.organisation, NEW.currency)) THEN
        RAISE EXCEPTION 'a share of no trade' USING ERRCODE = 'check_violation', CONSTRAINT = 'trading_line_share';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER trading_line_share BEFORE INSERT ON trading_line
    FOR EACH ROW WHEN (NEW.part > 1) EXECUTE FUNCTION trading_line_share();

-- What came to nothing before the ledger had lines for it.
INSERT INTO trading_line (number, trade, tender_id, kind, day, region, organisation, direction, currency, regime, status,
    reason, booked_at)
SELECT nextval('trading_trade_number'), t.id, t.id,
    CASE p.regime WHEN 'gov' THEN 'procurement' WHEN 'source-law' THEN
        CASE p.direction WHEN 'buy' THEN 'procurement' ELSE 'property' END ELSE p.regime END,
    (r.made_at AT TIME ZONE 'Asia/Shanghai')::date, p.region, p.organisation_id, p.direction, p.currency, p.regime,
    'failed', coalesce(t.ended, 'shut'), r.made_at
FROM trading_tender t JOIN trading_lot l ON l.id = t.lot_id JOIN trading_project p ON p.id = l.project_id
JOIN LATERAL (SELECT min(made_at) AS made_at FROM log_record
    WHERE tender = t.id AND (type IN ('tender-failed', 'tender-terminated')
        OR (type = 'closed' AND NOT (convert_from(record, 'UTF8')::jsonb ->> 'opens')::bool))) r ON r.made_at IS NOT NULL
WHERE t.kind = 'bids' AND t.announced_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM trading_line b WHERE b.tender_id = t.id);

-- No line of a tender without the public record that tells of it, in the same transaction or before: looked at when it
-- commits, for records are written last.
CREATE FUNCTION trading_line_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM log_record r, LATERAL (SELECT convert_from(r.record, 'UTF8')::jsonb AS told) j
        WHERE r.tender = NEW.tender_id
            AND r.type IN ('awarded', 'line-corrected', 'tender-failed', 'tender-terminated', 'closed') AND CASE
            WHEN NEW.correction IS NOT NULL THEN r.type = 'line-corrected'
                AND (told ->> 'correction')::bigint = NEW.correction AND told ->> 'status' = NEW.status
                AND (told ->> 'price')::bigint IS NOT DISTINCT FROM NEW.price
                AND (told ->> 'baseline')::bigint IS NOT DISTINCT FROM NEW.baseline
                AND (told ->> 'gain')::bigint IS NOT DISTINCT FROM NEW.gain
            WHEN NEW.status IN ('failed', 'annulled') THEN r.type IN ('tender-failed', 'tender-terminated')
                OR (NEW.status = 'failed' AND r.type = 'closed' AND NOT (told ->> 'opens')::bool)
            WHEN NEW.corrects IS NOT NULL THEN false
            ELSE r.type = 'awarded' AND told ->> 'bid' = NEW.bid
                AND (told ->> 'price')::bigint = coalesce(NEW.price, NEW.offered)
                AND (told ->> 'gain')::bigint IS NOT DISTINCT FROM NEW.gain END) THEN
        RAISE EXCEPTION 'no record tells of line %', NEW.number USING ERRCODE = 'check_violation',
            CONSTRAINT = 'trading_line_told';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER trading_line_told AFTER INSERT ON trading_line DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.tender_id IS NOT NULL) EXECUTE FUNCTION trading_line_told();
"""


class Migration(migrations.Migration):
    dependencies = [("trading", "0009_auctions")]

    initial = False

    operations = [
        ops.AddField(model_name="Line", name="correction", field=fields.IntField(null=True)),
        ops.AddField(model_name="Line", name="words", field=fields.CharField(db_default="", max_length=500)),
        ops.AddField(model_name="Line", name="offered", field=fields.BigIntField(null=True)),
        ops.RunSQL(FORWARD, reverse_sql=""),
    ]
