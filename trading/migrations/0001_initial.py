from tortoise import migrations
from tortoise.migrations import operations as ops
import functools
from json import dumps, loads
from tortoise.fields.base import OnDelete
from tortoise import fields

class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name='Organisation',
            fields=[
                ('code', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=18)),
                ('name', fields.CharField(max_length=500)),
                ('identity', fields.CharField(null=True, unique=True, max_length=64)),
                ('added_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'trading_organisation', 'app': 'trading', 'pk_attr': 'code', 'table_description': 'A legal person, known by its unified social credit code (GB 32100-2015).'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Person',
            fields=[
                ('id', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=32)),
                ('organisation', fields.ForeignKeyField('trading.Organisation', source_field='organisation_id', db_constraint=True, to_field='code', related_name='people', on_delete=OnDelete.RESTRICT)),
                ('name', fields.CharField(max_length=500)),
                ('enrolled_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'trading_person', 'app': 'trading', 'pk_attr': 'id', 'table_description': 'A natural person. The name stays in this row and never enters the log.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Membership',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('person', fields.ForeignKeyField('trading.Person', source_field='person_id', db_constraint=True, to_field='id', related_name='memberships', on_delete=OnDelete.RESTRICT)),
                ('role', fields.CharField(max_length=20)),
            ],
            options={'table': 'trading_membership', 'app': 'trading', 'unique_together': (('person', 'role'),), 'pk_attr': 'id', 'table_description': "One role of one person; two administrators' roles never meet in one person (三员分立)."},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Project',
            fields=[
                ('id', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=40)),
                ('number', fields.BigIntField(unique=True)),
                ('organisation', fields.ForeignKeyField('trading.Organisation', source_field='organisation_id', db_constraint=True, to_field='code', related_name='projects', on_delete=OnDelete.RESTRICT)),
                ('agency', fields.ForeignKeyField('trading.Organisation', source_field='agency_id', null=True, db_constraint=True, to_field='code', related_name='run_projects', on_delete=OnDelete.RESTRICT)),
                ('title', fields.CharField(max_length=500)),
                ('description', fields.TextField(unique=False)),
                ('source', fields.TextField(unique=False)),
                ('regime', fields.CharField(max_length=40)),
                ('direction', fields.CharField(max_length=4)),
                ('currency', fields.CharField(max_length=3)),
                ('version', fields.IntField(db_default=1)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'trading_project', 'app': 'trading', 'pk_attr': 'id', 'table_description': 'What is to be bought or sold, under one regime. `version` is its ETag.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Lot',
            fields=[
                ('id', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64)),
                ('project', fields.ForeignKeyField('trading.Project', source_field='project_id', db_constraint=True, to_field='id', related_name='lots', on_delete=OnDelete.RESTRICT)),
                ('title', fields.CharField(max_length=500)),
                ('baseline', fields.BigIntField()),
            ],
            options={'table': 'trading_lot', 'app': 'trading', 'pk_attr': 'id', 'table_description': 'A part of a project that is tendered by itself.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Reply',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('holder', fields.CharField(max_length=32)),
                ('key', fields.CharField(max_length=128)),
                ('request', fields.BinaryField()),
                ('status', fields.IntField(null=True)),
                ('headers', fields.JSONField(null=True, encoder=functools.partial(dumps, separators=(',', ':')), decoder=loads)),
                ('body', fields.BinaryField(null=True)),
                ('made_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'trading_reply', 'app': 'trading', 'unique_together': (('holder', 'key'),), 'pk_attr': 'id', 'table_description': 'The first answer to an Idempotency-Key, kept for its repetitions; `status` null while the first one runs.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Tender',
            fields=[
                ('id', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=81)),
                ('number', fields.BigIntField(unique=True)),
                ('lot', fields.ForeignKeyField('trading.Lot', source_field='lot_id', db_constraint=True, to_field='id', related_name='tenders', on_delete=OnDelete.RESTRICT)),
                ('state', fields.CharField(max_length=12)),
                ('named_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('keysets', fields.JSONField(null=True, encoder=functools.partial(dumps, separators=(',', ':')), decoder=loads)),
                ('announced_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('deadline', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('hour', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('terms', fields.JSONField(null=True, encoder=functools.partial(dumps, separators=(',', ':')), decoder=loads)),
                ('rulebook', fields.BinaryField(null=True)),
                ('opens', fields.BooleanField(null=True)),
                ('totals', fields.BinaryField(null=True)),
                ('ranking', fields.JSONField(null=True, encoder=functools.partial(dumps, separators=(',', ':')), decoder=loads)),
                ('last_sserial', fields.BigIntField(null=True)),
                ('version', fields.IntField(db_default=1)),
            ],
            options={'table': 'trading_tender', 'app': 'trading', 'pk_attr': 'id', 'table_description': 'One box family of a lot and its notice. `state` only walks forward (trigger); `version` is its ETag.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Archived',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('tender', fields.ForeignKeyField('trading.Tender', source_field='tender_id', db_constraint=True, to_field='id', related_name='archives', on_delete=OnDelete.RESTRICT)),
                ('edition', fields.CharField(max_length=12)),
                ('sha256', fields.CharField(max_length=64)),
                ('size', fields.BigIntField()),
                ('checkpoint', fields.BigIntField()),
                ('made_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'trading_archived', 'app': 'trading', 'unique_together': (('tender', 'edition'),), 'pk_attr': 'id', 'table_description': 'An edition on disk, bound to the checkpoint it ends with.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Rejection',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('tender', fields.ForeignKeyField('trading.Tender', source_field='tender_id', db_constraint=True, to_field='id', related_name='rejections', on_delete=OnDelete.RESTRICT)),
                ('bid', fields.CharField(max_length=32)),
                ('reason', fields.CharField(max_length=64)),
                ('article', fields.CharField(max_length=500)),
            ],
            options={'table': 'trading_rejection', 'app': 'trading', 'unique_together': (('tender', 'bid'),), 'pk_attr': 'id', 'table_description': 'A rejected bid, with its reason; once.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Timer',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('kind', fields.CharField(max_length=20)),
                ('tender', fields.ForeignKeyField('trading.Tender', source_field='tender_id', db_constraint=True, to_field='id', related_name='timers', on_delete=OnDelete.RESTRICT)),
                ('due_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('generation', fields.IntField(db_default=0)),
                ('done_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('leased_until', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('attempts', fields.IntField(db_default=0)),
                ('trouble', fields.TextField(null=True, unique=False)),
            ],
            options={'table': 'trading_timer', 'app': 'trading', 'unique_together': (('kind', 'tender'),), 'pk_attr': 'id', 'table_description': "Something that is due at a time of the log's clock; claimed with FOR UPDATE SKIP LOCKED (jobs.py)."},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Token',
            fields=[
                ('id', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=32)),
                ('person', fields.ForeignKeyField('trading.Person', source_field='person_id', db_constraint=True, to_field='id', related_name='tokens', on_delete=OnDelete.RESTRICT)),
                ('role', fields.CharField(max_length=20)),
                ('digest', fields.BinaryField()),
                ('issued_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('expires_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('revoked_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'trading_token', 'app': 'trading', 'pk_attr': 'id', 'table_description': 'An API token: only HMAC-SHA256(pepper, token) is kept.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Trade',
            fields=[
                ('tender', fields.OneToOneField('trading.Tender', source_field='tender_id', primary_key=True, db_index=True, db_constraint=True, to_field='id', related_name='trade', on_delete=OnDelete.RESTRICT)),
                ('number', fields.BigIntField(unique=True)),
                ('bid', fields.CharField(max_length=32)),
                ('bidder', fields.ForeignKeyField('trading.Organisation', source_field='bidder_id', db_constraint=True, to_field='code', related_name='trades', on_delete=OnDelete.RESTRICT)),
                ('price', fields.BigIntField()),
                ('baseline', fields.BigIntField()),
                ('gain', fields.BigIntField()),
                ('formula', fields.CharField(max_length=40)),
                ('currency', fields.CharField(max_length=3)),
                ('direction', fields.CharField(max_length=4)),
                ('regime', fields.CharField(max_length=40)),
                ('booked_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'trading_trade', 'app': 'trading', 'pk_attr': 'tender_id', 'table_description': 'The ledger: one line per award, whole fen. The database checks gain = ±(baseline − price).'},
            bases=['Model'],
        ),
        # Tortoise's state forgets the column behind a one-to-one primary key; says it once, changes nothing in the database
        ops.AlterModelOptions(
            name='Trade',
            options={'table': 'trading_trade', 'app': 'trading', 'pk_attr': 'tender_id', 'table_description': 'The ledger: one line per award, whole fen. The database checks gain = ±(baseline − price).'},
        ),
    ]
