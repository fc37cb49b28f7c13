"""Search in Chinese without an extension: every two neighbouring characters are a word, in a tsvector of our own making.

`trading_search` holds one line for each announced lot, of its newest tender; a trigger keeps it with the act that changes the
tender, so that it never says more or less than the list of projects does.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

FORWARD = r"""
-- Words of a text with their places: of a run of Chinese characters each pair and the last character alone ("大道" and "道"),
-- of other scripts each word. Between two runs a place stays free, so that no phrase goes across.
CREATE FUNCTION trading_grams(said text) RETURNS TABLE (place bigint, gram text, run bigint)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT r.before + CASE WHEN r.han THEN i ELSE 1 END, CASE WHEN r.han THEN substr(r.word, i, 2) ELSE r.word END, r.n
    FROM (
        SELECT m[1] AS word, n, m[1] ~ '^[\u3041-\u30ff㐀-鿿豈-﫿\U00020000-\U0003FFFF]' AS han, length(m[1]) AS size,
               sum(length(m[1]) + 1) OVER (ORDER BY n) - length(m[1]) - 1 AS before
        FROM regexp_matches(
            lower(normalize(left(said, 5000), NFKC) COLLATE pg_c_utf8),
            '[\u3041-\u30ff㐀-鿿豈-﫿\U00020000-\U0003FFFF]+|[^\s\u0001-\u002f\u003a-\u0060\u007b-\u00bf\u2000-\u4dff㐀-鿿豈-﫿\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003FFFF]+',
            'g') WITH ORDINALITY AS found (m, n)
    ) r, generate_series(1, CASE WHEN r.han THEN r.size ELSE 1 END) AS i
$$;

CREATE FUNCTION trading_words(said text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(string_agg('''' || left(gram, 80) || ''':' || place, ' ' ORDER BY place), '')::tsvector
    FROM trading_grams(said)
$$;

-- What somebody typed: every run must be there, characters as they follow one another, other words from their beginning.
CREATE FUNCTION trading_query(typed text) RETURNS tsquery LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(string_agg('(' || phrase || ')', ' & '), '')::tsquery FROM (
        SELECT string_agg('''' || left(gram, 80) || '''' || CASE WHEN size = 1 THEN ':*' ELSE '' END, ' <-> ' ORDER BY place)
               AS phrase
        FROM (SELECT *, count(*) OVER (PARTITION BY run) AS size FROM trading_grams(left(typed, 200))) g
        WHERE size = 1 OR length(gram) = 2
        GROUP BY run
    ) runs
$$;

CREATE TABLE trading_search (
    lot_id varchar(64) PRIMARY KEY REFERENCES trading_lot (id) ON DELETE CASCADE,
    project_id varchar(40) NOT NULL REFERENCES trading_project (id) ON DELETE CASCADE,
    tender_id varchar(81) NOT NULL REFERENCES trading_tender (id) ON DELETE CASCADE,
    number bigint NOT NULL UNIQUE,
    kind varchar(40) NOT NULL,
    region varchar(40) NOT NULL,
    stage varchar(12) NOT NULL,
    year int NOT NULL,
    words tsvector NOT NULL
);
COMMENT ON TABLE trading_search IS 'What of announced lots can be searched, and by which facets; kept by a trigger.';
CREATE INDEX trading_search_words ON trading_search USING gin (words) WITH (fastupdate = off);
CREATE INDEX trading_search_facets ON trading_search (kind, region, stage, year);

CREATE FUNCTION trading_search_of(tender varchar) RETURNS void LANGUAGE sql AS $$
    INSERT INTO trading_search (lot_id, project_id, tender_id, number, kind, region, stage, year, words)
    SELECT l.id, p.id, t.id, t.number, p.regime, p.region,
           CASE WHEN NOT coalesce(t.opens, true) AND t.state <> 'terminated' THEN 'shut' ELSE t.state END,
           extract(year FROM t.announced_at AT TIME ZONE 'Asia/Shanghai')::int,
           trading_words(concat_ws(' / ', l.title, p.title, o.name, l.id, left(p.description, 2000)))
    FROM trading_tender t JOIN trading_lot l ON l.id = t.lot_id JOIN trading_project p ON p.id = l.project_id
    JOIN trading_organisation o ON o.code = p.organisation_id
    WHERE t.id = tender AND t.kind = 'bids' AND t.announced_at IS NOT NULL
    ON CONFLICT (lot_id) DO UPDATE SET tender_id = excluded.tender_id, number = excluded.number, stage = excluded.stage,
        year = excluded.year, words = excluded.words
    WHERE trading_search.number < excluded.number
$$;

CREATE FUNCTION trading_search_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.announced_at IS NULL OR NEW.kind <> 'bids' THEN
        RETURN NULL;
    END IF;
    UPDATE trading_search SET stage =
        CASE WHEN NOT coalesce(NEW.opens, true) AND NEW.state <> 'terminated' THEN 'shut' ELSE NEW.state END
    WHERE lot_id = NEW.lot_id AND tender_id = NEW.id;
    IF NOT FOUND THEN
        PERFORM trading_search_of(NEW.id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER trading_search_kept AFTER INSERT OR UPDATE OF state, opens, announced_at ON trading_tender
    FOR EACH ROW EXECUTE FUNCTION trading_search_kept();

SELECT trading_search_of(id) FROM trading_tender WHERE announced_at IS NOT NULL ORDER BY number;
"""


class Migration(migrations.Migration):
    dependencies = [("trading", "0006_retention")]

    operations = [ops.RunSQL(FORWARD, reverse_sql="")]
