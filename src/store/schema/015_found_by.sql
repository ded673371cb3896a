-- What runs are found by: why each model call ended its answer; the kinds of a run's failures and their texts, each once,
-- one a line; the attributes of its spans and resources that are short, `key=value` in lower case, one a line between line
-- ends: a row for each group of spans that was stored. Every trace is added up anew.
alter table steps add column finish varchar;
alter table traces add column failure_kinds varchar;
alter table traces add column failure_texts varchar;
create table trace_attributes (trace uhugeint not null, text varchar using compression zstd not null);
update traces set settled_from = 0
