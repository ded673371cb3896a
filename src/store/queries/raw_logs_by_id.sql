-- The raw form of some log records, by time.
select project, raw, pieces, resource, scope from logs where id in (select unnest($ids::uhugeint[]) as id) order by happened, position, id
