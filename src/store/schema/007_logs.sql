-- One row a log record. `id` is a hash of all that was sent, so a record sent again is the same row.
create table logs (
    id uhugeint not null,
    trace uhugeint,
    span ubigint,
    project varchar not null,
    happened ubigint not null,
    name varchar not null,
    severity integer not null,
    severity_text varchar not null,
    -- The body, of a record that carries no message.
    text varchar not null,
    session varchar,
    resource uhugeint not null,
    scope uhugeint not null,
    dialects uinteger not null,
    understood blob using compression zstd not null,
    -- The OTLP protobuf `LogRecord`, compressed like `spans.raw`.
    raw blob using compression uncompressed not null
)
