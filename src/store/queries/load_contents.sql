-- Messages, tool definitions or pieces of raw forms by id. The reason for the semi-join is in `load_spans.sql`.
-- `unnest` always has a name here: without one the engine names the column by printing the whole list, which took 1.6 s
-- for 32,000 ids, and reading them 0.02 s.
select id, kind, body from contents where id in (select unnest($ids::uhugeint[]) as id)
