-- Messages and lists of tool definitions, each once by the hash of its content.
create table contents (
    id uhugeint not null,
    -- `message` or `tools`.
    kind varchar not null,
    body blob using compression uncompressed not null,
    -- What text search reads: all that a message says, in lower case.
    text varchar
)
