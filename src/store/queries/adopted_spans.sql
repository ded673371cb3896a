-- The spans of some traces, with all that is needed to store them in another one.
select trace, parent, project, raw, pieces, resource, scope, synthetic from spans
where trace in (select unnest($traces::uhugeint[]) as trace)
