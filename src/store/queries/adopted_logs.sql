-- The log records of some traces, with all that is needed to store them in another one.
select trace, span, project, raw, pieces, resource, scope, id, position from logs
where trace in (select unnest($traces::uhugeint[]) as trace)
order by rowid
