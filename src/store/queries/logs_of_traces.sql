-- The log records of some traces, by time. The reason for the semi-join is in `load_spans.sql`.
select id
from logs
where trace in (select unnest($traces::uhugeint[]) as trace)
order by happened, position, id
