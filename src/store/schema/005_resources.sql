-- What made the spans, each once by its hash: a `ResourceSpans` with only the resource and its schema URL.
create table resources (id uhugeint not null, raw blob not null)
