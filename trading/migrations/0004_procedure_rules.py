"""What the models of a procedure cannot say: sums that reconcile, rows that only grow or change once, the new states."""

from tortoise import migrations
from tortoise.migrations import operations as ops

FORWARD = r"""
-- ------------------------------------------------------------------------------------------------- shapes and amounts

ALTER TABLE trading_project ADD CONSTRAINT trading_project_estimate CHECK (estimate >= 0);
ALTER TABLE trading_tender ADD CONSTRAINT trading_tender_kind CHECK (kind IN ('bids', 'reserve')),
    ADD CONSTRAINT trading_tender_predecessor FOREIGN KEY (predecessor) REFERENCES trading_tender (id),
    ADD CONSTRAINT trading_tender_reserve FOREIGN KEY (reserve) REFERENCES trading_tender (id),
    ADD CONSTRAINT trading_tender_documents CHECK (documents ~ '^[0-9a-f]{64}$');
CREATE UNIQUE INDEX trading_tender_successor ON trading_tender (predecessor) WHERE kind = 'bids';

ALTER TABLE trading_paper ADD CONSTRAINT trading_paper_sha256 CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    ADD CONSTRAINT trading_paper_size CHECK (size > 0);
ALTER TABLE trading_named_paper ADD CONSTRAINT trading_named_paper_sha256 CHECK (sha256 ~ '^[0-9a-f]{64}$');
CREATE INDEX trading_named_paper_by_hash ON trading_named_paper (sha256);
ALTER TABLE trading_document_set ADD CONSTRAINT trading_document_set_sha256 CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    ADD CONSTRAINT trading_document_set_number CHECK (number >= 1);
ALTER TABLE trading_question ADD CONSTRAINT trading_question_id CHECK (id ~ '^[0-9a-f]{32}$'),
    ADD CONSTRAINT trading_question_answered CHECK ((answer IS NULL) = (answered_at IS NULL));
CREATE INDEX trading_question_of ON trading_question (tender_id);

ALTER TABLE trading_remedy ADD CONSTRAINT trading_remedy_id CHECK (id ~ '^[0-9a-f]{32}$'),
    ADD CONSTRAINT trading_remedy_kind CHECK (kind IN ('objection', 'inquiry', 'challenge', 'complaint')),
    ADD CONSTRAINT trading_remedy_about CHECK (about IN ('documents', 'opening', 'result')),
    ADD CONSTRAINT trading_remedy_state CHECK (state IN ('filed', 'accepted', 'refused', 'answered')),
    ADD CONSTRAINT trading_remedy_outcome CHECK (outcome IN ('upheld', 'dismissed', 'partly')),
    ADD CONSTRAINT trading_remedy_follows FOREIGN KEY (follows) REFERENCES trading_remedy (id),
    ADD CONSTRAINT trading_remedy_answered CHECK ((state = 'answered') = (answered_at IS NOT NULL)
        AND (answered_at IS NULL) = (outcome IS NULL) AND (answer IS NULL) = (answered_at IS NULL));
CREATE INDEX trading_remedy_of ON trading_remedy (tender_id);
ALTER TABLE trading_order ADD CONSTRAINT trading_order_ground CHECK (ground IN ('complaint', 'supervision', 'outage')),
    ADD CONSTRAINT trading_order_remedy FOREIGN KEY (remedy) REFERENCES trading_remedy (id),
    ADD CONSTRAINT trading_order_lifted CHECK (lifted_at >= ordered_at);

ALTER TABLE trading_sheet ADD CONSTRAINT trading_sheet_seat CHECK (seat BETWEEN 0 AND 99);
ALTER TABLE trading_explanation ADD CONSTRAINT trading_explanation_given
    CHECK ((text IS NULL) = (given_at IS NULL) AND given_at >= asked_at);
ALTER TABLE trading_correction ADD CONSTRAINT trading_correction_prices CHECK (read >= 0 AND corrected >= 0);
CREATE INDEX trading_correction_of ON trading_correction (tender_id);
ALTER TABLE trading_contract ADD CONSTRAINT trading_contract_amounts CHECK (amount >= 0 AND performance >= 0);

ALTER TABLE trading_security ADD CONSTRAINT trading_security_amount CHECK (amount > 0),
    ADD CONSTRAINT trading_security_form CHECK (form IN ('transfer', 'letter', 'e-guarantee', 'cheque'));
ALTER TABLE trading_security_return ADD CONSTRAINT trading_security_return_amounts CHECK (amount > 0 AND interest >= 0),
    ADD CONSTRAINT trading_security_return_reason
        CHECK (reason IN ('withdrawn', 'lost', 'won', 'shut', 'terminated', 'forfeited')),
    ADD CONSTRAINT trading_security_return_forfeited CHECK (reason <> 'forfeited' OR interest = 0);
CREATE INDEX trading_security_of ON trading_security (tender_id, bidder_id);
CREATE INDEX trading_security_return_of ON trading_security_return (tender_id, bidder_id);

ALTER TABLE trading_ban ADD CONSTRAINT trading_ban_id CHECK (id ~ '^[0-9a-f]{32}$'),
    ADD CONSTRAINT trading_ban_span CHECK (until_at > from_at),
    ADD CONSTRAINT trading_ban_lifted CHECK ((lifted_at IS NULL) = (lifted_by IS NULL));
ALTER TABLE trading_agent_error ADD CONSTRAINT trading_agent_error_id CHECK (id ~ '^[0-9a-f]{32}$');

-- ----------------------------------------------------------------------------------- rows that never change, or once

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['paper', 'named_paper', 'document_set', 'sheet', 'correction', 'security',
                                'security_return', 'settlement', 'agent_error'] LOOP
        EXECUTE format('CREATE TRIGGER trading_%1$s_unchanging BEFORE UPDATE OR DELETE ON trading_%1$s
                        FOR EACH ROW EXECUTE FUNCTION trading_unchanging()', name);
        EXECUTE format('CREATE TRIGGER trading_%1$s_all BEFORE TRUNCATE ON trading_%1$s
                        FOR EACH STATEMENT EXECUTE FUNCTION trading_unchanging()', name);
    END LOOP;
END $$;

-- The columns named may be filled, once; every other column of the row stays as it was.
CREATE FUNCTION trading_filled_once() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was jsonb := to_jsonb(OLD);
    now jsonb := to_jsonb(NEW);
    key text;
BEGIN
    FOR key IN SELECT jsonb_object_keys(was) LOOP
        IF was -> key IS DISTINCT FROM now -> key
           AND NOT (key = ANY (TG_ARGV) AND was -> key = 'null'::jsonb) THEN
            RAISE EXCEPTION '% of % stays', key, TG_TABLE_NAME USING ERRCODE = 'check_violation';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;
CREATE TRIGGER trading_question_once BEFORE UPDATE ON trading_question
    FOR EACH ROW EXECUTE FUNCTION trading_filled_once('answer', 'answered_at', 'documents');
CREATE TRIGGER trading_order_once BEFORE UPDATE ON trading_order
    FOR EACH ROW EXECUTE FUNCTION trading_filled_once('lifted_at');
CREATE TRIGGER trading_explanation_once BEFORE UPDATE ON trading_explanation
    FOR EACH ROW EXECUTE FUNCTION trading_filled_once('text', 'given_at');
CREATE TRIGGER trading_contract_once BEFORE UPDATE ON trading_contract
    FOR EACH ROW EXECUTE FUNCTION trading_filled_once('published_at', 'filed_at');
CREATE TRIGGER trading_ban_once BEFORE UPDATE ON trading_ban
    FOR EACH ROW EXECUTE FUNCTION trading_filled_once('lifted_at', 'lifted_by');
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['question', 'order', 'explanation', 'contract', 'ban', 'remedy'] LOOP
        EXECUTE format('CREATE TRIGGER trading_%1$s_kept BEFORE DELETE ON trading_%1$s
                        FOR EACH ROW EXECUTE FUNCTION trading_unchanging()', name);
    END LOOP;
END $$;

CREATE FUNCTION trading_remedy_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.tender_id, NEW.kind, NEW.about, NEW.objector_id, NEW.text, NEW.salt, NEW.grounds, NEW.filed_at)
       IS DISTINCT FROM
       (OLD.id, OLD.tender_id, OLD.kind, OLD.about, OLD.objector_id, OLD.text, OLD.salt, OLD.grounds, OLD.filed_at)
       OR NEW.known IS DISTINCT FROM OLD.known OR NEW.follows IS DISTINCT FROM OLD.follows THEN
        RAISE EXCEPTION 'a remedy stays as it was filed' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state <> OLD.state AND NOT (OLD.state, NEW.state) IN (
        ('filed', 'accepted'), ('filed', 'refused'), ('filed', 'answered'), ('accepted', 'answered')) THEN
        RAISE EXCEPTION 'a remedy does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER trading_remedy_forward BEFORE UPDATE ON trading_remedy
    FOR EACH ROW EXECUTE FUNCTION trading_remedy_forward();

-- ------------------------------------------------------------------------------------------------------ bid security

-- One after the other under the tender's row: never more goes back, or is forfeited, than was received; nothing after
-- the settlement.
CREATE FUNCTION trading_security_within() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM trading_tender WHERE id = NEW.tender_id FOR UPDATE;
    IF EXISTS (SELECT 1 FROM trading_settlement WHERE tender_id = NEW.tender_id) THEN
        RAISE EXCEPTION 'the securities of % are settled', NEW.tender_id USING ERRCODE = 'check_violation';
    END IF;
    IF TG_TABLE_NAME = 'trading_security_return' AND
       NEW.amount + (SELECT coalesce(sum(amount), 0) FROM trading_security_return
                     WHERE tender_id = NEW.tender_id AND bidder_id = NEW.bidder_id)
       > (SELECT coalesce(sum(amount), 0) FROM trading_security
          WHERE tender_id = NEW.tender_id AND bidder_id = NEW.bidder_id) THEN
        RAISE EXCEPTION 'more would go back than was received' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'trading_security_return_within';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER trading_security_within BEFORE INSERT ON trading_security
    FOR EACH ROW EXECUTE FUNCTION trading_security_within();
CREATE TRIGGER trading_security_return_within BEFORE INSERT ON trading_security_return
    FOR EACH ROW EXECUTE FUNCTION trading_security_within();

-- A settlement says what the rows say, and only when nothing is left: per bidder, received = returned + forfeited.
CREATE FUNCTION trading_settlement_reconciles() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM trading_tender WHERE id = NEW.tender_id FOR UPDATE;
    IF EXISTS (
        SELECT 1 FROM (SELECT bidder_id, sum(amount) AS got FROM trading_security
                       WHERE tender_id = NEW.tender_id GROUP BY bidder_id) s
        LEFT JOIN (SELECT bidder_id, sum(amount) AS back FROM trading_security_return
                   WHERE tender_id = NEW.tender_id GROUP BY bidder_id) r USING (bidder_id)
        WHERE s.got <> coalesce(r.back, 0)) THEN
        RAISE EXCEPTION 'a security has not gone back' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'trading_settlement_complete';
    END IF;
    IF (NEW.count, NEW.amount, NEW.interest) IS DISTINCT FROM (
        (SELECT count(DISTINCT bidder_id)::int FROM trading_security WHERE tender_id = NEW.tender_id),
        (SELECT coalesce(sum(amount), 0)::bigint FROM trading_security_return WHERE tender_id = NEW.tender_id),
        (SELECT coalesce(sum(interest), 0)::bigint FROM trading_security_return WHERE tender_id = NEW.tender_id)) THEN
        RAISE EXCEPTION 'a settlement says what the rows say' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'trading_settlement_sums';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER trading_settlement_reconciles BEFORE INSERT ON trading_settlement
    FOR EACH ROW EXECUTE FUNCTION trading_settlement_reconciles();

-- ------------------------------------------------------------------------------------------------- the life of a tender

-- law/stages.py, as pairs of stages; a tender goes from one to the next and never back.
CREATE OR REPLACE FUNCTION trading_tender_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state AND NOT (OLD.state, NEW.state) IN (
        ('named', 'keyed'), ('keyed', 'announced'), ('announced', 'closed'), ('announced', 'shut'),
        ('closed', 'opened'), ('opened', 'ranked'), ('ranked', 'awarded'), ('awarded', 'contracted'),
        ('opened', 'failed'), ('ranked', 'failed'), ('awarded', 'failed'),
        ('named', 'terminated'), ('keyed', 'terminated'), ('announced', 'terminated'), ('closed', 'terminated'),
        ('opened', 'terminated'), ('ranked', 'terminated'), ('awarded', 'terminated'),
        ('shut', 'archived'), ('opened', 'archived'), ('ranked', 'archived'), ('awarded', 'archived'),
        ('contracted', 'archived'), ('failed', 'archived'), ('terminated', 'archived')) THEN
        RAISE EXCEPTION 'a tender does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.rulebook IS NOT NULL AND (NEW.rulebook <> OLD.rulebook OR NEW.terms <> OLD.terms) THEN
        RAISE EXCEPTION 'what was announced stays' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.deadline < OLD.deadline OR NEW.hour < OLD.hour THEN
        RAISE EXCEPTION 'a deadline moves only later' USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.lot_id, NEW.kind) <> (OLD.lot_id, OLD.kind) OR NEW.predecessor IS DISTINCT FROM OLD.predecessor
       OR (OLD.ended IS NOT NULL AND NEW.ended IS DISTINCT FROM OLD.ended)
       OR (OLD.reserve IS NOT NULL AND NEW.reserve IS DISTINCT FROM OLD.reserve) THEN
        RAISE EXCEPTION 'what a tender is and follows stays' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("trading", "0003_procedure")]

    operations = [ops.RunSQL(FORWARD, reverse_sql="")]
