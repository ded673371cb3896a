-- Messages and lists of tool definitions, each once by the hash of its content.
create table contents (
    id uhugeint not null,
    -- `message` or `tools`.
    kind varchar not null,
    -- Compressed like `spans.raw`.
    body blob using compression uncompressed not null,
    -- What text search reads: all that a message says, in lower case. Read as a whole column, so the engine compresses
    -- it; as zstd it is half as large, sooner written and faster scanned than as what the engine would choose.
    text varchar using compression zstd
)
