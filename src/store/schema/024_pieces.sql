-- The pieces of a long raw form that stand in `contents` (as of the kind `piece`, each once by the hash of its bytes), in
-- their order: their ids, 16 bytes each, big-endian. `raw` has the rest then, after the byte 2. Null: `raw` has all of it.
-- Spans of one conversation have mostly the same pieces, and the engine compresses the rows of a vector together.
alter table spans add column pieces blob using compression zstd;
alter table logs add column pieces blob using compression zstd
