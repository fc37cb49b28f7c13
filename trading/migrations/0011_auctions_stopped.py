from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields
FORWARD = r"""
ALTER TABLE trading_auction
    ADD CONSTRAINT trading_auction_stopped CHECK (stopped_at IS NULL OR (closed_at IS NULL AND stopped_at <= hammer)),
    ADD CONSTRAINT trading_auction_resumes CHECK (hammer > resumes);

-- As in 0009; and nobody bids while the rounds rest, or before they go on.
CREATE OR REPLACE FUNCTION trading_auction_heard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    a trading_auction%ROWTYPE;
    longer timestamptz;
BEGIN
    SELECT * INTO a FROM trading_auction WHERE tender_id = NEW.tender_id FOR UPDATE;
    IF a.stopped_at IS NOT NULL THEN
        RAISE EXCEPTION 'the tender was suspended, and the rounds rest' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'trading_auction_bid_stopped';
    END IF;
    IF a.closed_at IS NOT NULL OR NEW.hammer <> a.hammer OR NEW.made_at > a.hammer
       OR NEW.made_at < coalesce(a.resumes, a.opens) THEN
        RAISE EXCEPTION 'the hammer has fallen, or the auction has not begun' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'trading_auction_bid_in_time';
    END IF;
    IF NEW.price < a.standing + a.increment THEN
        RAISE EXCEPTION 'a bid rises by the increment' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'trading_auction_bid_rises';
    END IF;
    IF NEW.made_at < a.last_at OR NOT NEW.number BETWEEN 1 AND a.bidders THEN
        RAISE EXCEPTION 'out of order, or of no number' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'trading_auction_bid_order';
    END IF;
    longer := NEW.made_at + make_interval(secs => a.extension);
    UPDATE trading_auction SET standing = NEW.price, number = NEW.number, last_at = NEW.made_at,
        hammer = CASE WHEN a.hammer - NEW.made_at <= make_interval(secs => a."window") AND longer > a.hammer
                      THEN longer ELSE a.hammer END
    WHERE tender_id = NEW.tender_id;
    RETURN NEW;
END $$;

-- Rounds that rest go on for as long as was left at least, and nothing else moves with that.
CREATE OR REPLACE FUNCTION trading_auction_forward() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moves text[] := ARRAY['standing', 'number', 'hammer', 'last_at', 'closed_at', 'outcome', 'stopped_at', 'resumes'];
BEGIN
    IF to_jsonb(NEW) - moves <> to_jsonb(OLD) - moves OR OLD.closed_at IS NOT NULL OR NEW.hammer < OLD.hammer
       OR NEW.standing < OLD.standing THEN
        RAISE EXCEPTION 'an auction goes forward, on the terms it was opened with' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.resumes IS DISTINCT FROM OLD.resumes OR (OLD.stopped_at IS NOT NULL AND NEW.stopped_at IS NULL) THEN
        IF OLD.stopped_at IS NULL OR NEW.stopped_at IS NOT NULL OR NEW.resumes IS NULL OR NEW.resumes < NEW.last_at
           OR NEW.hammer - NEW.resumes < OLD.hammer - greatest(coalesce(OLD.resumes, OLD.opens), OLD.stopped_at)
           OR NEW.standing <> OLD.standing OR NEW.number IS DISTINCT FROM OLD.number THEN
            RAISE EXCEPTION 'rounds that rest go on as they stood, for as long as was left' USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [('trading', '0010_acts')]

    initial = False

    operations = [
        ops.AddField(
            model_name='Auction',
            name='stopped_at',
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name='Auction',
            name='resumes',
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AlterModelOptions(
            name='Auction',
            options={'table': 'trading_auction', 'app': 'trading', 'pk_attr': 'id', 'table_description': 'An auction: its terms for good, and where it stands (`standing`, `number`, `hammer`, `last_at`, `stopped_at`).'},
        ),
        ops.RunSQL(FORWARD, reverse_sql=""),
    ]
