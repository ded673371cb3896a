-- The raw form of the spans of some traces, by start.
select trace, project, synthetic, raw, pieces, resource, scope
from spans
where trace in (select unnest($traces::uhugeint[]) as trace)
order by started, id
