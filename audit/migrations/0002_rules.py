"""What the models cannot say: the one clock, the order of records, and that log rows stay as they are."""

from tortoise import migrations
from tortoise.migrations import operations as ops

KEPT = ("log_record", "log_leaf", "log_node", "log_checkpoint", "log_cosignature", "log_disclosure", "log_clock")

# log.md §5: the database's clock, or base + factor x (machine time - start) where record 0 says so. Computed without
# a time zone, so that no session setting can bend a day.
LOG_NOW = """
CREATE FUNCTION log_now() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL RESTRICTED AS $$
    SELECT coalesce(
        (SELECT ((c.base AT TIME ZONE 'UTC') + c.factor
                 * ((clock_timestamp() AT TIME ZONE 'UTC') - (c.start AT TIME ZONE 'UTC'))) AT TIME ZONE 'UTC'
         FROM log_clock c),
        clock_timestamp())
$$"""

# The transaction gets its number before the record gets its: so "every id up to M was taken by a transaction older
# than X" can be said, and the sequencer never looks below its low-water mark again (sequencer.py).
NEXT_RECORD = """
CREATE FUNCTION log_next_record() RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_current_xact_id();
    RETURN nextval('log_record_id_seq');
END $$"""

REFUSE = """
CREATE FUNCTION log_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING MESSAGE = 'rows of the log stay as they are: ' || TG_OP || ' on ' || TG_TABLE_NAME;
END $$"""

CLOCK_ONCE = """
CREATE FUNCTION log_clock_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM log_record) THEN
        RAISE EXCEPTION 'the clock of a log is set before its first record, or never';
    END IF;
    RETURN NEW;
END $$"""

CHECKS = """
ALTER TABLE log_record
    ADD CONSTRAINT log_record_fits CHECK (octet_length(record) <= 65000),
    ADD CONSTRAINT log_record_blind CHECK ((rules = 'public') = (nonce IS NULL)),
    ADD CONSTRAINT log_record_serial CHECK (
        (serial IS NOT NULL) = (rules = 'public') AND (sserial IS NOT NULL) = (rules = 'supervisor')),
    ADD CONSTRAINT log_record_entry CHECK (entry = CASE WHEN nonce IS NULL THEN '\\x02'::bytea || record
        ELSE '\\x01'::bytea || sha256('\\x74726164696e672f7265636f72642f763100'::bytea || nonce || record) END);
CREATE UNIQUE INDEX log_record_serials ON log_record (subject, serial) WHERE serial IS NOT NULL;
CREATE UNIQUE INDEX log_record_sserials ON log_record (subject, sserial) WHERE sserial IS NOT NULL;
CREATE INDEX log_record_tender ON log_record (tender, type) WHERE tender IS NOT NULL;
CREATE INDEX log_record_actor ON log_record (actor);
CREATE INDEX log_record_closing ON log_record (id) WHERE type IN ('closed', 'evaluation-closed');
CREATE INDEX log_leaf_clear ON log_leaf (index) WHERE get_byte(entry, 0) = 2;
CREATE INDEX log_disclosure_cause ON log_disclosure (cause);
ALTER TABLE log_checkpoint
    ADD CONSTRAINT log_checkpoint_grows CHECK (size = previous + width AND width > 0 AND octet_length(root) = 32);
ALTER TABLE log_clock ADD CONSTRAINT log_clock_one CHECK (id = 1 AND factor >= 1)"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        ops.RunSQL(LOG_NOW, "DROP FUNCTION log_now()"),
        ops.RunSQL(NEXT_RECORD, "DROP FUNCTION log_next_record()"),
        ops.RunSQL(REFUSE, "DROP FUNCTION log_refuse() CASCADE"),
        ops.RunSQL(CLOCK_ONCE, "DROP FUNCTION log_clock_once() CASCADE"),
        ops.RunSQL(CHECKS, ""),
        *(
            ops.RunSQL(
                f"CREATE TRIGGER {table}_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION log_refuse()",
                "",
            )
            for table in KEPT
        ),
        ops.RunSQL(
            "CREATE TRIGGER log_clock_once BEFORE INSERT ON log_clock FOR EACH ROW EXECUTE FUNCTION log_clock_once()",
            "",
        ),
    ]
