from tortoise import migrations
from tortoise.migrations import operations as ops
import functools
from json import dumps, loads
from tortoise.fields.base import OnDelete
from tortoise import fields
RULES = r"""
CREATE UNIQUE INDEX trading_address_one ON trading_address (person_id, kind) WHERE state <> 'ended';
CREATE INDEX trading_following_tender ON trading_following (tender_id);
CREATE INDEX trading_letter_due ON trading_letter (next_at) WHERE state = 'queued';
CREATE INDEX trading_letter_of ON trading_letter (person_id, made_at);

ALTER TABLE trading_address
    ADD CONSTRAINT trading_address_kind CHECK (kind IN ('mail', 'sms')),
    ADD CONSTRAINT trading_address_state CHECK (state IN ('asked', 'confirmed', 'bounced', 'ended')),
    ADD CONSTRAINT trading_address_guesses CHECK (guesses BETWEEN 0 AND 5),
    -- One line, one address: whoever writes here cannot write a header.
    ADD CONSTRAINT trading_address_plain CHECK (address ~ CASE kind
        WHEN 'mail' THEN '^[A-Za-z0-9.!#$%&''*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]+$' ELSE '^[+][0-9]{6,20}$' END);
ALTER TABLE trading_letter
    ADD CONSTRAINT trading_letter_event CHECK (event IN ('deadline', 'amended', 'answered', 'opening', 'candidates',
        'award', 'ended', 'receipt', 'refund', 'confirm')),
    ADD CONSTRAINT trading_letter_channel CHECK (channel IN ('mail', 'sms')),
    ADD CONSTRAINT trading_letter_state CHECK (state IN ('queued', 'sent', 'bounced', 'failed', 'dropped')),
    ADD CONSTRAINT trading_letter_ended CHECK ((state = 'queued') = (ended_at IS NULL)),
    ADD CONSTRAINT trading_letter_tender CHECK ((event = 'confirm') = (tender_id IS NULL));
ALTER TABLE trading_letterbox
    ADD CONSTRAINT trading_letterbox_lang CHECK (lang IN ('zh-CN', 'en')),
    ADD CONSTRAINT trading_letterbox_events CHECK (mail || sms <@ '["deadline", "amended", "answered", "opening",
        "candidates", "award", "ended", "receipt", "refund"]'::jsonb);
ALTER TABLE trading_postmark ADD CONSTRAINT trading_postmark_one CHECK (id = 1);

-- A letter about somebody's own bid says that there is one: none is queued before the bids are opened (招标投标法 22).
CREATE FUNCTION trading_letter_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.event IN ('receipt', 'refund')
       AND NOT EXISTS (SELECT 1 FROM log_record WHERE tender = NEW.tender_id AND type = 'unsealed') THEN
        RAISE EXCEPTION 'nobody is written to about a bid before the opening' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER trading_letter_sealed BEFORE INSERT ON trading_letter
    FOR EACH ROW EXECUTE FUNCTION trading_letter_sealed();
-- What has ended stays ended, and a letter is about what it was about.
CREATE FUNCTION trading_letter_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.state <> 'queued' AND NOT (OLD.state = 'sent' AND NEW.state = 'bounced'))
       OR to_jsonb(NEW) - ARRAY['state', 'tries', 'next_at', 'ended_at']
       <> to_jsonb(OLD) - ARRAY['state', 'tries', 'next_at', 'ended_at'] THEN
        RAISE EXCEPTION 'a letter is written once' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER trading_letter_forward BEFORE UPDATE ON trading_letter
    FOR EACH ROW EXECUTE FUNCTION trading_letter_forward();
"""


class Migration(migrations.Migration):
    dependencies = [('trading', '0013_signin')]

    initial = False

    operations = [
        ops.CreateModel(
            name='Address',
            fields=[
                ('id', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=32)),
                ('person', fields.ForeignKeyField('trading.Person', source_field='person_id', db_constraint=True, to_field='id', related_name='addresses', on_delete=OnDelete.RESTRICT)),
                ('kind', fields.CharField(max_length=8)),
                ('address', fields.CharField(max_length=254)),
                ('state', fields.CharField(max_length=12)),
                ('guesses', fields.IntField(db_default=0)),
                ('asked_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('confirmed_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('bounced_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'trading_address', 'app': 'trading', 'pk_attr': 'id', 'table_description': 'Where a person can be written to, once it has shown that it reads what comes there; one of each kind.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Following',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('person', fields.ForeignKeyField('trading.Person', source_field='person_id', db_constraint=True, to_field='id', related_name='following', on_delete=OnDelete.RESTRICT)),
                ('tender', fields.ForeignKeyField('trading.Tender', source_field='tender_id', db_constraint=True, to_field='id', related_name='followers', on_delete=OnDelete.RESTRICT)),
                ('since', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'trading_following', 'app': 'trading', 'unique_together': (('person', 'tender'),), 'pk_attr': 'id', 'table_description': 'A person wants to hear of a tender.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Letter',
            fields=[
                ('id', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=32)),
                ('event', fields.CharField(max_length=12)),
                ('about', fields.CharField(max_length=160)),
                ('person', fields.ForeignKeyField('trading.Person', source_field='person_id', db_constraint=True, to_field='id', related_name='letters', on_delete=OnDelete.RESTRICT)),
                ('channel', fields.CharField(max_length=8)),
                ('tender', fields.ForeignKeyField('trading.Tender', source_field='tender_id', null=True, db_constraint=True, to_field='id', related_name='letters', on_delete=OnDelete.RESTRICT)),
                ('address', fields.ForeignKeyField('trading.Address', source_field='address_id', db_constraint=True, to_field='id', related_name='letters', on_delete=OnDelete.RESTRICT)),
                ('state', fields.CharField(max_length=8)),
                ('tries', fields.IntField(db_default=0)),
                ('made_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('next_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('ended_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'trading_letter', 'app': 'trading', 'unique_together': (('about', 'person', 'channel'),), 'pk_attr': 'id', 'table_description': 'One message to one person by one channel about one thing: its key is unique, whatever crashes.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Letterbox',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('person', fields.OneToOneField('trading.Person', source_field='person_id', db_constraint=True, to_field='id', related_name='letterbox', on_delete=OnDelete.RESTRICT)),
                ('lang', fields.CharField(max_length=8)),
                ('everything', fields.BooleanField(db_default=False)),
                ('mail', fields.JSONField(encoder=functools.partial(dumps, separators=(',', ':')), decoder=loads)),
                ('sms', fields.JSONField(encoder=functools.partial(dumps, separators=(',', ':')), decoder=loads)),
                ('read_until', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'trading_letterbox', 'app': 'trading', 'pk_attr': 'id', 'table_description': 'What a person wants written, by which channel; and up to when it has read what its page says.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Postmark',
            fields=[
                ('id', fields.IntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('index', fields.BigIntField()),
            ],
            options={'table': 'trading_postmark', 'app': 'trading', 'pk_attr': 'id', 'table_description': 'How far in the log letters have been written: one row.'},
            bases=['Model'],
        ),
        ops.RunSQL(RULES, reverse_sql=""),
    ]
