"""A box that is given up before its hour: it closes at once, never opens, and refuses by a code of its own."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

CHECKS = """
ALTER TABLE bidding_box DROP CONSTRAINT bidding_box_not_early;
ALTER TABLE bidding_box
    ADD CONSTRAINT bidding_box_not_early CHECK (closed_at >= deadline OR abandoned),
    ADD CONSTRAINT bidding_box_abandoned CHECK (NOT abandoned OR opens IS NOT true);
"""

ENTER = """
DROP FUNCTION bidding_enter;
CREATE FUNCTION bidding_enter(
    p_tender text, p_bid text, p_bidder text, p_uploads text[], p_seen bytea[],
    OUT now timestamptz, OUT deadline timestamptz, OUT closed boolean, OUT abandoned boolean, OUT keysets jsonb,
    OUT owner text, OUT withdrawn boolean, OUT effective text, OUT last jsonb, OUT keys jsonb, OUT uploads jsonb,
    OUT seen boolean
) LANGUAGE plpgsql AS $$
DECLARE
    box bidding_box;
BEGIN
    SELECT b.* INTO box FROM bidding_box b WHERE b.tender = p_tender FOR SHARE;
    IF NOT FOUND THEN RETURN; END IF;
    INSERT INTO bidding_bid (box_id, bid, bidder) VALUES (p_tender, p_bid, p_bidder) ON CONFLICT DO NOTHING;
    SELECT b.bidder, b.withdrawn_at IS NOT NULL INTO owner, withdrawn
        FROM bidding_bid b WHERE b.box_id = p_tender AND b.bid = p_bid FOR UPDATE;
    now := log_now();
    effective := (SELECT b.bid FROM bidding_bid b
        WHERE b.box_id = p_tender AND b.bidder = p_bidder AND b.withdrawn_at IS NULL);
    deadline := box.deadline;
    closed := box.closed_at IS NOT NULL;
    abandoned := box.abandoned;
    keysets := (SELECT jsonb_object_agg(s.stage, jsonb_build_object('id', k.id, 'n', k.n))
        FROM bidding_stage s JOIN bidding_keyset k ON k.id = s.keyset_id WHERE s.box_id = p_tender);
    last := (SELECT jsonb_object_agg(d.stage, jsonb_build_object(
            'seq', d.seq, 'hash', d.hash, 'key', d.key, 'bidder', d.bidder))
        FROM (SELECT DISTINCT ON (x.stage) x.stage, x.seq, x.hash, x.bidder, r.key
              FROM bidding_deposit x JOIN bidding_registration r ON r.sha = x.signer_id
              WHERE x.tender = p_tender AND x.bid = p_bid ORDER BY x.stage, x.seq DESC) d);
    keys := (SELECT jsonb_agg(encode(r.registration, 'hex') ORDER BY r.registered_at)
        FROM bidding_registration r WHERE r.bidder = p_bidder);
    uploads := (SELECT jsonb_object_agg(u.id, jsonb_build_object('size', u.size, 'root', u.root,
        'head', encode(u.head, 'hex'), 'tender', u.tender, 'bidder', u.bidder, 'deposited', EXISTS (SELECT FROM bidding_deposit d WHERE d.upload_id = u.id)))
        FROM bidding_upload u WHERE u.id = ANY (p_uploads));
    seen := EXISTS (SELECT FROM bidding_seen s WHERE s.bidder = p_bidder AND s.what = ANY (p_seen));
END $$"""


class Migration(migrations.Migration):
    dependencies = [("bidding", "0002_rules")]

    operations = [
        ops.AddField(
            model_name="Box",
            name="abandoned",
            field=fields.BooleanField(default=False, db_default=False),
        ),
        ops.RunSQL(CHECKS, ""),
        ops.RunSQL(ENTER, ""),
    ]
