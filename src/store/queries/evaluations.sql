-- The raw form of the log records of some traces that have a name, by time.
select trace, project, raw, resource, scope
from logs
where trace in (select unnest($traces::uhugeint[]) as trace) and name = $name
order by happened, position, id
