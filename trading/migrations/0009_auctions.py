from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.fields.base import OnDelete
from tortoise import fields
FORWARD = r"""
ALTER TABLE trading_auction
    ADD CONSTRAINT trading_auction_amounts CHECK (bidders >= 1 AND start >= 1 AND increment >= 1 AND standing >= start),
    ADD CONSTRAINT trading_auction_spans CHECK ("window" >= 0 AND extension >= 0 AND reveal >= 0),
    ADD CONSTRAINT trading_auction_times CHECK (opens >= opened_at AND first_hammer > opens AND hammer >= first_hammer),
    ADD CONSTRAINT trading_auction_reserve CHECK (reserve ~ '^[0-9a-f]{64}$'),
    ADD CONSTRAINT trading_auction_outcome CHECK (outcome IN ('sold', 'below_reserve')),
    ADD CONSTRAINT trading_auction_over CHECK ((closed_at IS NULL) = (outcome IS NULL) AND closed_at > hammer);
ALTER TABLE trading_auction_bid ADD CONSTRAINT trading_auction_bid_in_time CHECK (made_at <= hammer);
CREATE INDEX trading_auction_bid_of ON trading_auction_bid (tender_id, id);

-- A bid is taken as a whole or not at all: under the auction's lock it is above the one that stands by the increment,
-- between opening and hammer, not before the last one; and the auction moves on with it, extension included.
CREATE FUNCTION trading_auction_heard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    a trading_auction%ROWTYPE;
    longer timestamptz;
BEGIN
    SELECT * INTO a FROM trading_auction WHERE tender_id = NEW.tender_id FOR UPDATE;
    IF a.closed_at IS NOT NULL OR NEW.hammer <> a.hammer OR NEW.made_at > a.hammer OR NEW.made_at < a.opens THEN
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
CREATE TRIGGER trading_auction_heard BEFORE INSERT ON trading_auction_bid
    FOR EACH ROW EXECUTE FUNCTION trading_auction_heard();
CREATE TRIGGER trading_auction_bid_unchanging BEFORE UPDATE OR DELETE ON trading_auction_bid
    FOR EACH ROW EXECUTE FUNCTION trading_unchanging();
CREATE TRIGGER trading_auction_bid_all BEFORE TRUNCATE ON trading_auction_bid
    FOR EACH STATEMENT EXECUTE FUNCTION trading_unchanging();

CREATE FUNCTION trading_auction_forward() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moves text[] := ARRAY['standing', 'number', 'hammer', 'last_at', 'closed_at', 'outcome'];
BEGIN
    IF to_jsonb(NEW) - moves <> to_jsonb(OLD) - moves OR OLD.closed_at IS NOT NULL OR NEW.hammer < OLD.hammer
       OR NEW.standing < OLD.standing THEN
        RAISE EXCEPTION 'an auction goes forward, on the terms it was opened with' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER trading_auction_forward BEFORE UPDATE ON trading_auction
    FOR EACH ROW EXECUTE FUNCTION trading_auction_forward();
CREATE TRIGGER trading_auction_kept BEFORE DELETE ON trading_auction
    FOR EACH ROW EXECUTE FUNCTION trading_unchanging();
CREATE TRIGGER trading_auction_joiner_once BEFORE UPDATE ON trading_auction_joiner
    FOR EACH ROW EXECUTE FUNCTION trading_filled_once('number');
CREATE TRIGGER trading_auction_joiner_kept BEFORE DELETE ON trading_auction_joiner
    FOR EACH ROW EXECUTE FUNCTION trading_unchanging();

-- One bid's turn: the tender stays where it is, the auction is ours, and only then the clock is read; it never runs back.
CREATE FUNCTION trading_auction_enter(tender text, OUT state text, OUT a trading_auction, OUT now timestamptz)
LANGUAGE plpgsql AS $$
BEGIN
    SELECT t.state INTO state FROM trading_tender t WHERE t.id = tender FOR SHARE;
    SELECT x.* INTO a FROM trading_auction x WHERE x.tender_id = tender FOR UPDATE;
    now := greatest(log_now(), a.last_at);
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [('trading', '0008_imported')]

    initial = False

    operations = [
        ops.CreateModel(
            name='Auction',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('tender', fields.OneToOneField('trading.Tender', source_field='tender_id', db_constraint=True, to_field='id', related_name='auction', on_delete=OnDelete.RESTRICT)),
                ('bidders', fields.IntField()),
                ('start', fields.BigIntField()),
                ('increment', fields.BigIntField()),
                ('opens', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('first_hammer', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('window', fields.IntField()),
                ('extension', fields.IntField()),
                ('reserve', fields.CharField(null=True, max_length=64)),
                ('reveal', fields.IntField()),
                ('opened_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('standing', fields.BigIntField()),
                ('number', fields.IntField(null=True)),
                ('hammer', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('last_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('closed_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('outcome', fields.CharField(null=True, max_length=16)),
            ],
            options={'table': 'trading_auction', 'app': 'trading', 'pk_attr': 'id', 'table_description': 'An auction: its terms for good, and where it stands (`standing`, `number`, `hammer`, `last_at`).'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='AuctionBid',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('tender', fields.ForeignKeyField('trading.Tender', source_field='tender_id', db_constraint=True, to_field='id', related_name='auction_bids', on_delete=OnDelete.RESTRICT)),
                ('number', fields.IntField()),
                ('price', fields.BigIntField()),
                ('hammer', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('made_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('record', fields.CharField(max_length=64)),
            ],
            options={'table': 'trading_auction_bid', 'app': 'trading', 'unique_together': (('tender', 'price'),), 'pk_attr': 'id', 'table_description': 'A bid that was taken, with the hammer it was taken under.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='AuctionJoiner',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('tender', fields.ForeignKeyField('trading.Tender', source_field='tender_id', db_constraint=True, to_field='id', related_name='joiners', on_delete=OnDelete.RESTRICT)),
                ('bid', fields.CharField(max_length=32)),
                ('bidder', fields.ForeignKeyField('trading.Organisation', source_field='bidder_id', db_constraint=True, to_field='code', related_name='auctions', on_delete=OnDelete.RESTRICT)),
                ('key', fields.CharField(max_length=44)),
                ('joined_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('number', fields.IntField(null=True)),
            ],
            options={'table': 'trading_auction_joiner', 'app': 'trading', 'unique_together': (('tender', 'bid'), ('tender', 'key'), ('tender', 'number')), 'pk_attr': 'id', 'table_description': 'A qualified bidder who takes part, and the key it made for that; `number` 竞买号 is drawn when the auction opens.'},
            bases=['Model'],
        ),
        ops.RunSQL(FORWARD, reverse_sql=""),
    ]
