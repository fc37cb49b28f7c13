"""Trades of elsewhere: a table of its own, which nothing of the log, the ledger or its sums reads."""

from tortoise import migrations
from tortoise.migrations import operations as ops

FORWARD = r"""
CREATE TABLE trading_imported (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ocid varchar(200) NOT NULL,
    award varchar(200) NOT NULL,
    publisher varchar(500) NOT NULL,
    title varchar(500) NOT NULL,
    buyer varchar(500) NOT NULL,
    supplier varchar(500) NOT NULL,
    kind varchar(40) NOT NULL,
    direction varchar(4) NOT NULL CHECK (direction IN ('buy', 'sell')),
    currency varchar(3) NOT NULL,
    baseline numeric(22, 4) CHECK (baseline >= 0),
    price numeric(22, 4) CHECK (price >= 0),
    gain numeric(22, 4) GENERATED ALWAYS AS (CASE direction WHEN 'buy' THEN baseline - price ELSE price - baseline END) STORED,
    status varchar(6) NOT NULL CHECK (status IN ('deal', 'failed')),
    traded_at timestamptz,
    file varchar(64) NOT NULL,
    imported_at timestamptz NOT NULL DEFAULT log_now(),
    UNIQUE (ocid, award),
    CHECK ((status = 'deal') = (price IS NOT NULL))
);
COMMENT ON TABLE trading_imported IS
    'Trades that others published as OCDS; amounts in their own currency, exact. `file`: SHA-256 over the files of the import.';
CREATE TRIGGER trading_imported_unchanging BEFORE UPDATE OR DELETE ON trading_imported
    FOR EACH ROW EXECUTE FUNCTION trading_unchanging();
"""


class Migration(migrations.Migration):
    dependencies = [("trading", "0007_search")]

    operations = [ops.RunSQL(FORWARD, reverse_sql="")]
