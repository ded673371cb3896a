-- One row a span, keyed by (trace, id). No primary key: the writer knows which spans there are, deletes a row that is
-- sent again and appends it anew. Of 100 k spans, a tenth of them sent twice, with two readers at work, that stored
-- 88 k a second; a primary key 54 k, in a file four times as large; appending and taking the newest when reading 90 k,
-- but a sum then took 19 ms and not 2 (`overwrite` in tests/bench).
-- Ids are numbers, big-endian, because they compare and compress as numbers: `printf('%016x', id)` shows one.
-- Times are nanoseconds since 1970. `cost` is in pico-dollars.
-- The blobs are compressed before they come here, or are hashes: the engine's own try at them took half of a core.
create table spans (
    trace uhugeint not null,
    id ubigint not null,
    parent ubigint,
    project varchar not null,
    name varchar not null,
    kind varchar not null,
    status varchar not null,
    status_message varchar not null,
    started ubigint not null,
    ended ubigint,
    service varchar,
    scope_name varchar not null,
    scope_version varchar not null,
    synthetic boolean not null,
    -- Its attributes and events, counted: of two records of one span the fuller is kept.
    weight uinteger not null,
    resource uhugeint not null,
    scope uhugeint not null,
    category varchar not null,
    session varchar,
    user_id varchar,
    framework varchar,
    provider varchar,
    model varchar,
    agent varchar,
    tool varchar,
    uncached_input ubigint,
    cache_read ubigint,
    cache_write ubigint,
    output ubigint,
    reasoning ubigint,
    cost bigint,
    -- The version of the dialects and prices by which it was understood; what has another one is understood again.
    dialects uinteger not null,
    -- What was understood, with the ids of `contents` in the place of messages and tool definitions.
    understood blob using compression zstd not null,
    -- The OTLP protobuf `Span`, after one byte that says whether it is compressed: by us, each for itself, because the
    -- engine would have to expand 2048 of them to read one.
    raw blob using compression uncompressed not null check (octet_length(raw) > 0)
)
