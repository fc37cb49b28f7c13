"""What the models cannot say: numbers, checks, a ledger nobody edits, states that only walk forward."""

from tortoise import migrations
from tortoise.migrations import operations as ops

FORWARD = """
CREATE SEQUENCE trading_project_number;
CREATE SEQUENCE trading_tender_number;
CREATE SEQUENCE trading_trade_number;
CREATE UNIQUE INDEX trading_token_digest ON trading_token (digest);
CREATE INDEX trading_token_revoked ON trading_token (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX trading_timer_due ON trading_timer (due_at) WHERE done_at IS NULL;
CREATE INDEX trading_reply_age ON trading_reply (made_at);

ALTER TABLE trading_organisation ADD CONSTRAINT trading_organisation_code
    CHECK (code ~ '^[0-9A-HJ-NPQRTUWXY]{18}$');
ALTER TABLE trading_membership ADD CONSTRAINT trading_membership_role CHECK (role IN (
    'bidder', 'tenderee', 'agency', 'operator', 'custodian', 'supervisor',
    'system_admin', 'security_admin', 'audit_admin'));
ALTER TABLE trading_token ADD CONSTRAINT trading_token_digest_length CHECK (octet_length(digest) = 32);
ALTER TABLE trading_project ADD CONSTRAINT trading_project_direction CHECK (direction IN ('buy', 'sell'));
ALTER TABLE trading_lot ADD CONSTRAINT trading_lot_baseline CHECK (baseline >= 0);
ALTER TABLE trading_trade ADD CONSTRAINT trading_trade_gain CHECK (
    price >= 0 AND baseline >= 0 AND gain = CASE direction WHEN 'buy' THEN baseline - price ELSE price - baseline END);
ALTER TABLE trading_archived ADD CONSTRAINT trading_archived_edition CHECK (edition IN ('public', 'supervision'));

-- 三员分立: system, security and audit administration never meet in one person.
CREATE FUNCTION trading_three_admins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.role IN ('system_admin', 'security_admin', 'audit_admin') THEN
        PERFORM 1 FROM trading_person WHERE id = NEW.person_id FOR UPDATE;
        IF EXISTS (SELECT 1 FROM trading_membership WHERE person_id = NEW.person_id AND role <> NEW.role
                   AND role IN ('system_admin', 'security_admin', 'audit_admin')) THEN
            RAISE EXCEPTION 'one person holds one administrator role' USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER trading_membership_admins BEFORE INSERT OR UPDATE ON trading_membership
    FOR EACH ROW EXECUTE FUNCTION trading_three_admins();

CREATE FUNCTION trading_unchanging() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row of % is never changed', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER trading_trade_unchanging BEFORE UPDATE OR DELETE ON trading_trade
    FOR EACH ROW EXECUTE FUNCTION trading_unchanging();
CREATE TRIGGER trading_rejection_unchanging BEFORE UPDATE OR DELETE ON trading_rejection
    FOR EACH ROW EXECUTE FUNCTION trading_unchanging();
CREATE TRIGGER trading_archived_unchanging BEFORE UPDATE OR DELETE ON trading_archived
    FOR EACH ROW EXECUTE FUNCTION trading_unchanging();

CREATE FUNCTION trading_tender_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state AND NOT (OLD.state, NEW.state) IN (
        ('named', 'keyed'), ('keyed', 'announced'), ('announced', 'closed'), ('announced', 'shut'),
        ('closed', 'opened'), ('opened', 'ranked'), ('ranked', 'awarded'),
        ('shut', 'archived'), ('opened', 'archived'), ('awarded', 'archived')) THEN
        RAISE EXCEPTION 'a tender does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.rulebook IS NOT NULL AND (NEW.rulebook <> OLD.rulebook OR NEW.terms <> OLD.terms) THEN
        RAISE EXCEPTION 'what was announced stays' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.deadline < OLD.deadline OR NEW.hour < OLD.hour THEN
        RAISE EXCEPTION 'a deadline moves only later' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER trading_tender_forward BEFORE UPDATE ON trading_tender
    FOR EACH ROW EXECUTE FUNCTION trading_tender_forward();
"""


class Migration(migrations.Migration):
    dependencies = [("trading", "0001_initial")]

    operations = [
        ops.RunSQL(FORWARD, reverse_sql=""),
        # Tortoise forgets the column behind a one-to-one primary key: said once here, it changes nothing in the database.
        ops.AlterModelOptions(
            name="Trade",
            options={
                "table": "trading_trade",
                "app": "trading",
                "pk_attr": "tender_id",
                "table_description": "The ledger: one line per award, whole fen. "
                "The database checks gain = ±(baseline − price).",
            },
        ),
    ]
