-- The instrumentations, each once by its hash: a `ScopeSpans` with only the scope and its schema URL.
create table scopes (id uhugeint not null, raw blob not null)
