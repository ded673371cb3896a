-- Messages and tool definitions by id. `load_spans.sql` says why it is a semi-join.
select id, kind, body from contents where id in (select unnest($ids::uhugeint[]))
