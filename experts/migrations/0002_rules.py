"""What the models cannot say: one draw at a time, one person in a seat, tries and words that stay as they were made."""

from tortoise import migrations
from tortoise.migrations import operations as ops

CHECKS = """
ALTER TABLE experts_specialty
    ADD CONSTRAINT experts_specialty_code CHECK (code ~ '^[a-z0-9_]+$'),
    ADD CONSTRAINT experts_specialty_parent FOREIGN KEY (parent) REFERENCES experts_specialty (code);
ALTER TABLE experts_expert
    ADD CONSTRAINT experts_expert_state CHECK (state IN ('named', 'admitted', 'removed')),
    ADD CONSTRAINT experts_expert_admitted CHECK (state <> 'admitted' OR admitted_at IS NOT NULL),
    ADD CONSTRAINT experts_expert_removed CHECK ((state = 'removed') = (removed_at IS NOT NULL)),
    ADD CONSTRAINT experts_expert_credit CHECK (credit BETWEEN 0 AND 100);
ALTER TABLE experts_absence
    ADD CONSTRAINT experts_absence_kind CHECK (kind IN ('leave', 'suspended')),
    ADD CONSTRAINT experts_absence_order CHECK (until > since);
ALTER TABLE experts_assessment
    ADD CONSTRAINT experts_assessment_score CHECK (score BETWEEN 0 AND 100);
ALTER TABLE experts_panel
    ADD CONSTRAINT experts_panel_draw CHECK (draw ~ '^[0-9a-f]{32}$'),
    ADD CONSTRAINT experts_panel_replaces FOREIGN KEY (replaces) REFERENCES experts_panel (draw),
    ADD CONSTRAINT experts_panel_state
        CHECK (state IN ('requested', 'committed', 'calling', 'seated', 'exhausted', 'over')),
    ADD CONSTRAINT experts_panel_representatives CHECK (representatives >= 0),
    ADD CONSTRAINT experts_panel_attempt CHECK (attempt >= 0),
    ADD CONSTRAINT experts_panel_reveal CHECK (reveal_within > 0);
CREATE UNIQUE INDEX experts_panel_once ON experts_panel (tender) WHERE state <> 'exhausted';
CREATE INDEX experts_panel_open ON experts_panel (asked_at) WHERE disclosed_at IS NULL;
ALTER TABLE experts_attempt
    ADD CONSTRAINT experts_attempt_number CHECK (attempt >= 1),
    ADD CONSTRAINT experts_attempt_void CHECK ((voided_at IS NULL) = (culprit IS NULL)),
    ADD CONSTRAINT experts_attempt_committed CHECK ((record IS NULL) = (committed_at IS NULL)),
    ADD CONSTRAINT experts_attempt_in_time CHECK (reveal_by > committed_at),
    ADD CONSTRAINT experts_attempt_not_early CHECK (voided_at > reveal_by);
ALTER TABLE experts_nonce
    ADD CONSTRAINT experts_nonce_reveal
        CHECK ((reveal IS NULL) = (revealed_at IS NULL) AND (reveal IS NULL) = (reveal_sig IS NULL)),
    ADD CONSTRAINT experts_nonce_order CHECK (revealed_at > committed_at);
ALTER TABLE experts_summons
    ADD CONSTRAINT experts_summons_state CHECK (state IN (
        'calling', 'accepted', 'seated', 'declined', 'conflict', 'unreachable', 'no_show', 'removed')),
    ADD CONSTRAINT experts_summons_place CHECK (place >= 0);
CREATE INDEX experts_summons_due ON experts_summons (next_at) WHERE next_at IS NOT NULL;
CREATE UNIQUE INDEX experts_summons_code ON experts_summons (code) WHERE code IS NOT NULL;
ALTER TABLE experts_try
    ADD CONSTRAINT experts_try_number CHECK (number >= 1),
    ADD CONSTRAINT experts_try_ended CHECK ((ended_at IS NULL) = (outcome IS NULL));
ALTER TABLE experts_seat
    ADD CONSTRAINT experts_seat_number CHECK (seat >= 1),
    ADD CONSTRAINT experts_seat_key CHECK (octet_length(key) = 32),
    ADD CONSTRAINT experts_seat_declared CHECK ((declared_at IS NULL) = (conflict IS NULL));
CREATE UNIQUE INDEX experts_seat_held ON experts_seat (panel_id, seat) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX experts_seat_token ON experts_seat (token) WHERE token IS NOT NULL;
CREATE UNIQUE INDEX experts_seat_code ON experts_seat (code) WHERE code IS NOT NULL;
ALTER TABLE experts_scores
    ADD CONSTRAINT experts_scores_round CHECK (round >= 1),
    ADD CONSTRAINT experts_scores_revealed CHECK ((nonce IS NULL) = (sheet IS NULL) AND (sheet IS NULL) = (revealed_at IS NULL));
ALTER TABLE experts_draft ADD CONSTRAINT experts_draft_size CHECK (octet_length(data) <= 262144);
ALTER TABLE experts_report_answer
    ADD CONSTRAINT experts_report_answer_word CHECK (answer IN ('signed', 'dissent', 'silent')),
    ADD CONSTRAINT experts_report_answer_reason CHECK ((answer = 'dissent') = (reason IS NOT NULL));
ALTER TABLE experts_reading
    ADD CONSTRAINT experts_reading_ground CHECK (ground IN ('seated', 'two_keys')),
    ADD CONSTRAINT experts_reading_key CHECK (octet_length(reader_key) = 65);
"""

STAYS = """
CREATE FUNCTION experts_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE' THEN
        RAISE EXCEPTION '%: what was made stays', TG_TABLE_NAME;
    ELSIF TG_TABLE_NAME = 'experts_nonce' THEN
        IF (OLD.commit, OLD.committed_at) IS DISTINCT FROM (NEW.commit, NEW.committed_at)
            OR (OLD.reveal IS NOT NULL AND OLD.reveal IS DISTINCT FROM NEW.reveal) THEN
            RAISE EXCEPTION 'experts_nonce: a commitment stays';
        END IF;
    ELSIF TG_TABLE_NAME = 'experts_attempt' THEN
        IF OLD.record IS NOT NULL AND (OLD.record, OLD.sealed, OLD.reveal_by)
                IS DISTINCT FROM (NEW.record, NEW.sealed, NEW.reveal_by)
            OR (OLD.voided_at IS NOT NULL AND OLD.voided_at IS DISTINCT FROM NEW.voided_at) THEN
            RAISE EXCEPTION 'experts_attempt: a commitment stays';
        END IF;
    ELSIF TG_TABLE_NAME = 'experts_try' THEN
        IF OLD.ended_at IS NOT NULL THEN
            RAISE EXCEPTION 'experts_try: a try ends once';
        END IF;
    ELSIF TG_TABLE_NAME = 'experts_scores' THEN
        IF OLD.commit IS DISTINCT FROM NEW.commit OR (OLD.sheet IS NOT NULL AND OLD.sheet IS DISTINCT FROM NEW.sheet) THEN
            RAISE EXCEPTION 'experts_scores: a commitment stays';
        END IF;
    ELSIF TG_TABLE_NAME = 'experts_summons' THEN
        IF OLD.state IN ('declined', 'conflict', 'unreachable', 'no_show', 'removed') AND OLD.state <> NEW.state
            OR (OLD.leaf, OLD.specialty, OLD.place) IS DISTINCT FROM (NEW.leaf, NEW.specialty, NEW.place) THEN
            RAISE EXCEPTION 'experts_summons: who is lost stays lost';
        END IF;
    ELSE
        RAISE EXCEPTION '%: what was made stays', TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;
""" + "".join(
    f"CREATE TRIGGER {table}_stays BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION experts_stays();\n"
    for table in (
        "experts_nonce",
        "experts_attempt",
        "experts_try",
        "experts_scores",
        "experts_summons",
        "experts_file",
        "experts_name",
        "experts_report_answer",
    )
)

ROSTER = """
CREATE INDEX experts_expert_phone ON experts_expert (phone);
CREATE INDEX experts_expert_key ON experts_expert (key);
CREATE INDEX experts_expert_admitted ON experts_expert (id, admitted_at) WHERE admitted_at IS NOT NULL;
CREATE INDEX experts_absence_of ON experts_absence (expert_id);
ALTER TABLE experts_expert
    ADD CONSTRAINT experts_expert_key_form CHECK (key ~ '^[0-9a-f]{16}$'),
    ADD CONSTRAINT experts_expert_marks CHECK (identity ~ '^[0-9a-f]{64}$' AND phone ~ '^[0-9a-f]{64}$'),
    ADD CONSTRAINT experts_expert_lists CHECK (jsonb_typeof(specialties) = 'array' AND jsonb_typeof(regions) = 'array');
CREATE FUNCTION experts_expert_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'experts_expert: whoever was on the roster stays in it, as removed';
    ELSIF (OLD.id, OLD.added_at) IS DISTINCT FROM (NEW.id, NEW.added_at)
        OR (OLD.admitted_at IS NOT NULL AND OLD.admitted_at IS DISTINCT FROM NEW.admitted_at)
        OR (OLD.removed_at IS NOT NULL AND OLD.removed_at IS DISTINCT FROM NEW.removed_at)
        OR (OLD.admitted_at IS NOT NULL AND NEW.state = 'named') THEN
        RAISE EXCEPTION 'experts_expert: an admission is made once, and so is a removal';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER experts_expert_stays BEFORE UPDATE OR DELETE ON experts_expert
    FOR EACH ROW EXECUTE FUNCTION experts_expert_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("experts", "0001_initial")]

    operations = [
        ops.RunSQL(CHECKS, ""),
        ops.RunSQL(STAYS, "DROP FUNCTION experts_stays CASCADE"),
        ops.RunSQL(ROSTER, "DROP FUNCTION experts_expert_stays CASCADE"),
    ]
