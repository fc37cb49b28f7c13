from tortoise import migrations
from tortoise.migrations import operations as ops
import functools
from json import dumps, loads
from tortoise.fields.base import OnDelete
from tortoise import fields
RULES = r"""
CREATE UNIQUE INDEX trading_credential_handle ON trading_credential (handle) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX trading_credential_one ON trading_credential (account_id, kind)
    WHERE ended_at IS NULL AND kind IN ('password', 'totp');
CREATE INDEX trading_credential_of ON trading_credential (account_id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX trading_device_digest ON trading_device (account_id, digest);
CREATE UNIQUE INDEX trading_session_digest ON trading_session (digest);
CREATE INDEX trading_session_of ON trading_session (account_id, opened_at);
CREATE UNIQUE INDEX trading_challenge_digest ON trading_challenge (digest);
CREATE UNIQUE INDEX trading_invitation_half ON trading_invitation (half);
CREATE INDEX trading_person_account ON trading_person (account_id) WHERE account_id IS NOT NULL;
CREATE INDEX trading_proposal_open ON trading_proposal (object) WHERE outcome IS NULL;

ALTER TABLE trading_account ADD CONSTRAINT trading_account_login CHECK (login = lower(login));
ALTER TABLE trading_credential
    ADD CONSTRAINT trading_credential_kind CHECK (kind IN ('password', 'totp', 'passkey', 'certificate')),
    ADD CONSTRAINT trading_credential_known CHECK ((kind IN ('passkey', 'certificate')) = (handle IS NOT NULL));
ALTER TABLE trading_session
    ADD CONSTRAINT trading_session_step CHECK (step IN ('second', 'in')),
    ADD CONSTRAINT trading_session_in CHECK ((step = 'in') = (person_id IS NOT NULL AND role IS NOT NULL)),
    ADD CONSTRAINT trading_session_ended CHECK ((ended_at IS NULL) = (ended IS NULL)),
    ADD CONSTRAINT trading_session_digest_length CHECK (octet_length(digest) = 32);
ALTER TABLE trading_invitation
    ADD CONSTRAINT trading_invitation_kind CHECK (kind IN ('invitation', 'recovery')),
    ADD CONSTRAINT trading_invitation_once CHECK (used_at IS NULL OR ended_at IS NULL),
    -- Nobody gives somebody else's account back alone: of a recovery two people hold one half each.
    ADD CONSTRAINT trading_invitation_two CHECK ((other_half IS NULL) = (approved_by IS NULL)
        AND (used_at IS NULL OR kind = 'invitation' OR other_half IS NOT NULL)
        AND made_by <> person_id AND approved_by <> person_id AND approved_by <> made_by);
ALTER TABLE trading_proposal
    ADD CONSTRAINT trading_proposal_outcome CHECK (outcome IN ('approved', 'withdrawn')),
    ADD CONSTRAINT trading_proposal_decided CHECK ((outcome IS NULL) = (decided_at IS NULL)
        AND (outcome IS NULL) = (decided_by IS NULL)),
    ADD CONSTRAINT trading_proposal_two CHECK (outcome <> 'approved' OR decided_by <> person_id);

-- What has ended stays ended, and says why it did.
CREATE FUNCTION trading_session_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.ended_at IS NOT NULL OR NEW.digest <> OLD.digest OR NEW.account_id <> OLD.account_id
       OR NEW.ends_at > OLD.ends_at OR NEW.step <> OLD.step THEN
        RAISE EXCEPTION 'a session does not come back, and does not change hands' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER trading_session_forward BEFORE UPDATE ON trading_session
    FOR EACH ROW EXECUTE FUNCTION trading_session_forward();
CREATE FUNCTION trading_proposal_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.outcome IS NOT NULL OR to_jsonb(NEW) - ARRAY['decided_at', 'decided_by', 'outcome']
       <> to_jsonb(OLD) - ARRAY['decided_at', 'decided_by', 'outcome'] THEN
        RAISE EXCEPTION 'a proposal is decided once, as it was made' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER trading_proposal_forward BEFORE UPDATE ON trading_proposal
    FOR EACH ROW EXECUTE FUNCTION trading_proposal_forward();

-- 三员分立, and the operator does not bid, hold for a human being too, in however many organisations it works.
CREATE FUNCTION trading_one_human() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    human text;
    held text[];
BEGIN
    IF TG_TABLE_NAME = 'trading_person' THEN
        human := NEW.account_id;
    ELSE
        SELECT account_id INTO human FROM trading_person WHERE id = NEW.person_id;
    END IF;
    IF human IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM 1 FROM trading_account WHERE id = human FOR UPDATE;
    SELECT array_agg(DISTINCT m.role) INTO held FROM trading_membership m JOIN trading_person p ON p.id = m.person_id
        WHERE p.account_id = human AND m.role IN ('system_admin', 'security_admin', 'audit_admin');
    IF cardinality(held) > 1 THEN
        RAISE EXCEPTION 'one human being holds one administrator role' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'trading_human_admins';
    END IF;
    IF (SELECT count(DISTINCT m.role) FROM trading_membership m JOIN trading_person p ON p.id = m.person_id
        WHERE p.account_id = human AND m.role IN ('operator', 'bidder')) > 1 THEN
        RAISE EXCEPTION 'the operator does not bid' USING ERRCODE = 'check_violation',
            CONSTRAINT = 'trading_human_operator';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER trading_person_one_human AFTER UPDATE OF account_id ON trading_person
    FOR EACH ROW EXECUTE FUNCTION trading_one_human();
CREATE TRIGGER trading_membership_one_human AFTER INSERT OR UPDATE ON trading_membership
    FOR EACH ROW EXECUTE FUNCTION trading_one_human();
"""


class Migration(migrations.Migration):
    dependencies = [('trading', '0012_lots_and_boxes')]

    initial = False

    operations = [
        ops.CreateModel(
            name='Account',
            fields=[
                ('id', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=32)),
                ('login', fields.CharField(null=True, unique=True, max_length=64)),
                ('made_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'trading_account', 'app': 'trading', 'pk_attr': 'id', 'table_description': 'A human being who signs in, whatever organisations it works for. `login` is null where there are passkeys alone.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Challenge',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('digest', fields.BinaryField()),
                ('holder', fields.CharField(max_length=64)),
                ('ends_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'trading_challenge', 'app': 'trading', 'pk_attr': 'id', 'table_description': 'What a passkey is asked to sign: used once, then gone.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Credential',
            fields=[
                ('id', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=32)),
                ('account', fields.ForeignKeyField('trading.Account', source_field='account_id', db_constraint=True, to_field='id', related_name='credentials', on_delete=OnDelete.RESTRICT)),
                ('kind', fields.CharField(max_length=12)),
                ('handle', fields.BinaryField(null=True)),
                ('material', fields.BinaryField()),
                ('counter', fields.BigIntField(db_default=0)),
                ('label', fields.CharField(db_default='', max_length=100)),
                ('made_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('used_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('ended_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'trading_credential', 'app': 'trading', 'pk_attr': 'id', 'table_description': 'A password (argon2id), a code generator (its sealed secret), a passkey or a certificate; ended, never deleted.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Device',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('account', fields.ForeignKeyField('trading.Account', source_field='account_id', db_constraint=True, to_field='id', related_name='devices', on_delete=OnDelete.RESTRICT)),
                ('digest', fields.BinaryField()),
                ('known_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'trading_device', 'app': 'trading', 'pk_attr': 'id', 'table_description': "A browser that has once signed in to an account: no stranger's guesses keep it out."},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Invitation',
            fields=[
                ('id', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=32)),
                ('person', fields.ForeignKeyField('trading.Person', source_field='person_id', db_constraint=True, to_field='id', related_name='invitations', on_delete=OnDelete.RESTRICT)),
                ('kind', fields.CharField(max_length=12)),
                ('half', fields.BinaryField()),
                ('other_half', fields.BinaryField(null=True)),
                ('made_by', fields.CharField(max_length=32)),
                ('approved_by', fields.CharField(null=True, max_length=32)),
                ('made_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('ends_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('used_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('ended_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'trading_invitation', 'app': 'trading', 'pk_attr': 'id', 'table_description': 'A one-time code that lets a person choose its credentials; of a recovery each of two others holds one half.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Proposal',
            fields=[
                ('id', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=32)),
                ('operation', fields.CharField(max_length=64)),
                ('object', fields.CharField(max_length=81)),
                ('path', fields.JSONField(encoder=functools.partial(dumps, separators=(',', ':')), decoder=loads)),
                ('body', fields.TextField(unique=False)),
                ('person', fields.ForeignKeyField('trading.Person', source_field='person_id', db_constraint=True, to_field='id', related_name='proposals', on_delete=OnDelete.RESTRICT)),
                ('role', fields.CharField(max_length=20)),
                ('proposed_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('ends_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('decided_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('decided_by', fields.CharField(null=True, max_length=32)),
                ('outcome', fields.CharField(null=True, max_length=12)),
            ],
            options={'table': 'trading_proposal', 'app': 'trading', 'pk_attr': 'id', 'table_description': 'An act that takes two people: as the first one asked for it, until the second one decides.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Session',
            fields=[
                ('id', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=32)),
                ('digest', fields.BinaryField()),
                ('account', fields.ForeignKeyField('trading.Account', source_field='account_id', db_constraint=True, to_field='id', related_name='sessions', on_delete=OnDelete.RESTRICT)),
                ('person', fields.ForeignKeyField('trading.Person', source_field='person_id', null=True, db_constraint=True, to_field='id', related_name='sessions', on_delete=OnDelete.RESTRICT)),
                ('role', fields.CharField(null=True, max_length=20)),
                ('step', fields.CharField(max_length=8)),
                ('how', fields.CharField(max_length=24)),
                ('agent', fields.CharField(db_default='', max_length=100)),
                ('opened_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('seen_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('fresh_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('ends_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('ended_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('ended', fields.CharField(null=True, max_length=16)),
            ],
            options={'table': 'trading_session', 'app': 'trading', 'pk_attr': 'id', 'table_description': 'One signing-in: `second` while the second factor is missing, then `in`; ended with a reason, never deleted.'},
            bases=['Model'],
        ),
        ops.AddField(
            model_name='Person',
            name='account',
            field=fields.ForeignKeyField('trading.Account', source_field='account_id', null=True, db_constraint=True, to_field='id', related_name='people', on_delete=OnDelete.RESTRICT),
        ),
        ops.RunSQL(RULES, reverse_sql=""),
    ]
