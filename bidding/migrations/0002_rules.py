"""What the models cannot say: late bids that cannot exist, rows that stay, and the two statements of the fast path.

Plain SQL, so that whoever audits the database reads the rules where they hold.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

# A deposit carries its box's deadline, follows it when it moves, and CHECK (received_at <= deadline) does the rest:
# a late bid cannot exist, and a deadline cannot move before a bid that is there.
KEYS = """
ALTER TABLE bidding_deposit
    ADD CONSTRAINT bidding_deposit_box FOREIGN KEY (tender, deadline)
        REFERENCES bidding_box (tender, deadline) ON UPDATE CASCADE,
    ADD CONSTRAINT bidding_deposit_bid FOREIGN KEY (tender, bid, bidder)
        REFERENCES bidding_bid (box_id, bid, bidder);
ALTER TABLE bidding_withdrawal
    ADD CONSTRAINT bidding_withdrawal_box FOREIGN KEY (tender, deadline)
        REFERENCES bidding_box (tender, deadline) ON UPDATE CASCADE,
    ADD CONSTRAINT bidding_withdrawal_bid FOREIGN KEY (tender, bid, bidder)
        REFERENCES bidding_bid (box_id, bid, bidder);
ALTER TABLE bidding_erasure
    ADD CONSTRAINT bidding_erasure_upload FOREIGN KEY (upload) REFERENCES bidding_upload (id);
CREATE INDEX bidding_upload_bidder ON bidding_upload (bidder);
CREATE INDEX bidding_erasure_due ON bidding_erasure (tender) WHERE erased_at IS NULL;
CREATE INDEX bidding_release_tender ON bidding_release (tender);
-- Registrations belong to no tender; a closing discloses those whose keys acted.
CREATE INDEX bidding_registration_record ON log_record (subject) WHERE type = 'bidder-key-registered';
"""

CHECKS = """
ALTER TABLE bidding_keyset
    ADD CONSTRAINT bidding_keyset_threshold CHECK (2 <= k AND k <= n AND n <= 9);
ALTER TABLE bidding_box
    ADD CONSTRAINT bidding_box_min_bids CHECK (min_bids >= 1),
    ADD CONSTRAINT bidding_box_not_early CHECK (closed_at >= deadline),
    ADD CONSTRAINT bidding_box_closed CHECK ((closed_at IS NULL) = (opens IS NULL));
ALTER TABLE bidding_upload
    ADD CONSTRAINT bidding_upload_stored CHECK (0 <= stored AND stored <= segments),
    ADD CONSTRAINT bidding_upload_whole CHECK (root IS NULL OR stored = segments);
ALTER TABLE bidding_deposit
    ADD CONSTRAINT bidding_deposit_in_time CHECK (received_at <= deadline);
ALTER TABLE bidding_withdrawal
    ADD CONSTRAINT bidding_withdrawal_in_time CHECK (received_at <= deadline);
CREATE UNIQUE INDEX bidding_bid_once ON bidding_bid (box_id, bidder) WHERE withdrawn_at IS NULL;  -- E-TWICE
CREATE UNIQUE INDEX bidding_deposit_effective ON bidding_deposit (tender, bid, stage) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX bidding_unsealed_final ON bidding_unsealed (tender, stage, bid) WHERE verdict <> 'PENDING';
"""

# Tables that only these statements touch.
TABLES = """
CREATE TABLE bidding_seen (  -- E-DUPHEAD: SHA-256 of every head and box a bidder handed in
    bidder varchar(200) NOT NULL,
    what bytea NOT NULL CHECK (octet_length(what) = 32),
    CONSTRAINT bidding_seen_once PRIMARY KEY (bidder, what)
);
CREATE TABLE bidding_segment (
    upload varchar(32) NOT NULL REFERENCES bidding_upload (id) ON DELETE CASCADE,
    n int NOT NULL CHECK (n >= 0),
    leaf bytea NOT NULL CHECK (octet_length(leaf) = 32),
    stored boolean NOT NULL,
    PRIMARY KEY (upload, n)
);
CREATE TABLE bidding_refusals (  -- per bidder and hour of the machine: how many, and how many of them recorded
    bidder varchar(200) NOT NULL,
    hour timestamptz NOT NULL,
    counted int NOT NULL,
    recorded int NOT NULL CHECK (recorded <= 20),
    turned_away boolean NOT NULL DEFAULT false,  -- whether the last one found the twenty used up
    PRIMARY KEY (bidder, hour)
);
"""

STAYS = """
CREATE FUNCTION bidding_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'deadline' - 'ended_at' = to_jsonb(OLD) - 'deadline' - 'ended_at' THEN
        IF to_jsonb(OLD) ->> 'ended_at' IS NULL OR to_jsonb(NEW) -> 'ended_at' = to_jsonb(OLD) -> 'ended_at' THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION USING MESSAGE = 'what was handed in stays as it is: ' || TG_OP || ' on ' || TG_TABLE_NAME;
END $$;

CREATE FUNCTION bidding_box_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.closed_at IS NOT NULL THEN
        RAISE EXCEPTION 'a closed box stays closed, and no box goes away: %', OLD.tender;
    END IF;
    IF NEW.deadline < OLD.deadline OR NEW.tender <> OLD.tender THEN
        RAISE EXCEPTION 'a deadline moves only later: %', OLD.tender;
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION bidding_bid_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.withdrawn_at IS NOT NULL
        OR (NEW.box_id, NEW.bid, NEW.bidder) <> (OLD.box_id, OLD.bid, OLD.bidder) THEN
        RAISE EXCEPTION 'nothing follows a withdrawal: %', OLD.bid;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER bidding_box_stays BEFORE UPDATE OR DELETE ON bidding_box
    FOR EACH ROW EXECUTE FUNCTION bidding_box_stays();
CREATE TRIGGER bidding_bid_stays BEFORE UPDATE OR DELETE ON bidding_bid
    FOR EACH ROW EXECUTE FUNCTION bidding_bid_stays();
"""

KEPT = (
    "bidding_statement",
    "bidding_keyset",
    "bidding_registration",
    "bidding_deposit",
    "bidding_withdrawal",
    "bidding_refusal",
    "bidding_release",
    "bidding_stored",
    "bidding_window",
    "bidding_settlement",
    "bidding_unsealed",
)

# Why a request is refused: locks, the clock under them, and everything that the checks ask for, in their order. Each
# query of a function sees what was committed before its own lock was granted, which one SQL statement would not.
ENTER = """
CREATE FUNCTION bidding_enter(
    p_tender text, p_bid text, p_bidder text, p_uploads text[], p_seen bytea[],
    OUT now timestamptz, OUT deadline timestamptz, OUT closed boolean, OUT keysets jsonb, OUT owner text,
    OUT withdrawn boolean, OUT effective text, OUT last jsonb, OUT keys jsonb, OUT uploads jsonb, OUT seen boolean
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

# The statement that finalises: the locks, the clock under them, every condition, the rows. It takes a request whose bytes
# and signatures hold, or changes nothing but an empty bid row and gives null: then `bidding_enter` tells why.
# `p_checked`: the caller has found that each key may follow the one before, where it is not the same.
DEPOSIT = """
CREATE FUNCTION bidding_deposit_all(
    p_tender text, p_bid text, p_bidder text, p_checked boolean, p_seen bytea[],
    p_stages text[], p_keysets text[], p_boxes int[], p_seqs int[], p_prevs text[], p_hashes text[],
    p_manifests bytea[], p_sigs bytea[], p_sig_hashes text[], p_keys text[], p_heads bytea[], p_roots text[],
    p_sizes bigint[], p_uploads text[],
    OUT received_at timestamptz, OUT replaced jsonb
) LANGUAGE plpgsql AS $$
DECLARE
    box bidding_box;
    signers text[];
    t timestamptz;
BEGIN
    SELECT b.* INTO box FROM bidding_box b WHERE b.tender = p_tender FOR SHARE;
    IF NOT FOUND THEN RETURN; END IF;
    INSERT INTO bidding_bid (box_id, bid, bidder) VALUES (p_tender, p_bid, p_bidder) ON CONFLICT DO NOTHING;
    PERFORM FROM bidding_bid b WHERE b.box_id = p_tender AND b.bid = p_bid AND b.bidder = p_bidder
        AND b.withdrawn_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN RETURN; END IF;
    t := log_now();
    IF t > box.deadline OR box.closed_at IS NOT NULL THEN RETURN; END IF;

    SELECT array_agg(r.sha ORDER BY u.n) INTO signers
        FROM unnest(p_stages, p_keysets, p_boxes, p_seqs, p_prevs, p_keys, p_heads, p_roots, p_sizes, p_uploads)
            WITH ORDINALITY AS u(stage, keyset, boxes, seq, prev, key, head, root, size, upload, n)
        JOIN bidding_stage s ON s.box_id = p_tender AND s.stage = u.stage AND s.keyset_id = u.keyset
        JOIN bidding_keyset k ON k.id = u.keyset AND k.n = u.boxes
        JOIN bidding_registration r ON r.bidder = p_bidder AND r.key = u.key
        JOIN bidding_upload f ON f.id = u.upload AND f.tender = p_tender AND f.bidder = p_bidder
            AND f.root = u.root AND f.size = u.size AND f.head = u.head
            AND NOT EXISTS (SELECT FROM bidding_deposit x WHERE x.upload_id = f.id)
        LEFT JOIN LATERAL (
            SELECT d.seq, d.hash, d.signer_id FROM bidding_deposit d
            WHERE d.tender = p_tender AND d.bid = p_bid AND d.stage = u.stage ORDER BY d.seq DESC LIMIT 1
        ) l ON true
        WHERE (l.seq IS NULL AND u.seq = 1 AND u.prev IS NULL)
            OR (l.seq = u.seq - 1 AND l.hash = u.prev AND (p_checked OR l.signer_id = r.sha));
    IF cardinality(signers) IS DISTINCT FROM cardinality(p_stages) THEN RETURN; END IF;
    IF 1 = ANY (p_seqs) THEN  -- E-STAGES: the first request has them all
        IF cardinality(p_stages) <> (SELECT count(*) FROM bidding_stage s WHERE s.box_id = p_tender) THEN RETURN; END IF;
    ELSE
        WITH gone AS (
            UPDATE bidding_deposit d SET ended_at = t
            WHERE d.tender = p_tender AND d.bid = p_bid AND d.stage = ANY (p_stages) AND d.ended_at IS NULL
            RETURNING d.stage, d.seq, d.root, d.upload_id
        ), due AS (
            INSERT INTO bidding_erasure (upload, tender, due_at) SELECT g.upload_id, p_tender, t FROM gone g
        )
        SELECT jsonb_agg(jsonb_build_object('stage', g.stage, 'seq', g.seq, 'root', g.root) ORDER BY g.stage)
            INTO replaced FROM gone g;
    END IF;
    INSERT INTO bidding_seen (bidder, what) SELECT p_bidder, w FROM unnest(p_seen) AS w;
    INSERT INTO bidding_deposit (tender, deadline, stage, bid, bidder, seq, hash, manifest, sig, sig_hash, signer_id,
                                 root, size, upload_id, received_at)
        SELECT p_tender, box.deadline, u.stage, p_bid, p_bidder, u.seq, u.hash, u.manifest, u.sig, u.sig_hash, u.signer,
               u.root, u.size, u.upload, t
        FROM unnest(p_stages, p_seqs, p_hashes, p_manifests, p_sigs, p_sig_hashes, signers, p_roots, p_sizes,
                    p_uploads) AS u(stage, seq, hash, manifest, sig, sig_hash, signer, root, size, upload);
    received_at := t;
END $$"""

WITHDRAW = """
CREATE FUNCTION bidding_withdraw(
    p_tender text, p_deadline timestamptz, p_bid text, p_bidder text, p_withdrawal bytea, p_sig bytea, p_sig_hash text,
    p_signer text, OUT received_at timestamptz, OUT ended jsonb
) LANGUAGE plpgsql AS $$
DECLARE
    t timestamptz := log_now();
BEGIN
    WITH gone AS (
        UPDATE bidding_deposit d SET ended_at = t
        WHERE d.tender = p_tender AND d.bid = p_bid AND d.ended_at IS NULL
        RETURNING d.stage, d.seq, d.root, d.upload_id
    ), due AS (
        INSERT INTO bidding_erasure (upload, tender, due_at) SELECT g.upload_id, p_tender, t FROM gone g
    )
    SELECT jsonb_agg(jsonb_build_object('stage', g.stage, 'seq', g.seq, 'root', g.root) ORDER BY g.stage)
        INTO ended FROM gone g;
    INSERT INTO bidding_withdrawal (tender, deadline, bid, bidder, withdrawal, sig, sig_hash, signer_id, received_at)
        VALUES (p_tender, p_deadline, p_bid, p_bidder, p_withdrawal, p_sig, p_sig_hash, p_signer, t);
    UPDATE bidding_bid b SET withdrawn_at = t WHERE b.box_id = p_tender AND b.bid = p_bid;
    received_at := t;
END $$"""

# Segments. A claim comes before the bytes, so that two workers never write different bytes to one place; neither
# statement waits for the disk, because losing one only means that the segment is sent again, and a deposit's own
# commit makes durable all that was committed before it.
SEGMENTS = """
CREATE FUNCTION bidding_begin_upload(
    p_upload text, p_tender text, p_bidder text, p_size bigint, p_segments int, p_limit bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    -- Parallel requests of one bidder count each other.
    PERFORM pg_advisory_xact_lock(hashtextextended('bidding_upload ' || p_bidder, 0));
    IF p_size + (SELECT coalesce(sum(u.size), 0) FROM bidding_upload u
                 WHERE u.bidder = p_bidder
                     AND NOT EXISTS (SELECT FROM bidding_deposit d WHERE d.upload_id = u.id)) > p_limit THEN
        RETURN false;
    END IF;
    INSERT INTO bidding_upload (id, tender, bidder, size, segments, stored, touched_at)
        VALUES (p_upload, p_tender, p_bidder, p_size, p_segments, 0, clock_timestamp());
    RETURN true;
END $$;

CREATE FUNCTION bidding_claim(p_upload text, p_n int, p_leaf bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found_leaf bytea;
    found_stored boolean;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    INSERT INTO bidding_segment (upload, n, leaf, stored) VALUES (p_upload, p_n, p_leaf, false)
        ON CONFLICT DO NOTHING;
    SELECT s.leaf, s.stored INTO found_leaf, found_stored
        FROM bidding_segment s WHERE s.upload = p_upload AND s.n = p_n;
    IF found_leaf <> p_leaf THEN RETURN 'other'; END IF;
    RETURN CASE WHEN found_stored THEN 'stored' ELSE 'write' END;
END $$;

CREATE FUNCTION bidding_stored(p_upload text, p_n int, p_head bytea, OUT stored int, OUT segments int)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    UPDATE bidding_segment s SET stored = true WHERE s.upload = p_upload AND s.n = p_n AND NOT s.stored;
    IF FOUND THEN
        UPDATE bidding_upload u
            SET stored = u.stored + 1, head = coalesce(p_head, u.head), touched_at = clock_timestamp()
            WHERE u.id = p_upload RETURNING u.stored, u.segments INTO bidding_stored.stored, bidding_stored.segments;
    ELSE
        SELECT u.stored, u.segments INTO bidding_stored.stored, bidding_stored.segments
            FROM bidding_upload u WHERE u.id = p_upload;
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("bidding", "0001_initial"), ("audit", "0002_rules")]

    operations = [
        ops.RunSQL(KEYS, ""),
        ops.RunSQL(CHECKS, ""),
        ops.RunSQL(TABLES, "DROP TABLE bidding_seen, bidding_segment, bidding_refusals"),
        ops.RunSQL(STAYS, "DROP FUNCTION bidding_stays, bidding_box_stays, bidding_bid_stays CASCADE"),
        *(
            ops.RunSQL(
                f"CREATE TRIGGER {table}_stays BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION bidding_stays()",
                "",
            )
            for table in KEPT
        ),
        ops.RunSQL(ENTER, "DROP FUNCTION bidding_enter"),
        ops.RunSQL(DEPOSIT, "DROP FUNCTION bidding_deposit_all"),
        ops.RunSQL(WITHDRAW, "DROP FUNCTION bidding_withdraw"),
        ops.RunSQL(SEGMENTS, "DROP FUNCTION bidding_begin_upload, bidding_claim, bidding_stored"),
    ]
