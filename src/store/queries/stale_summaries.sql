-- Traces with more spans and log records than their row was made from: a large one waits for its turn, and the
-- program was killed meanwhile.
select traces.trace
from traces
join (
    select trace, count(*) as held
    from (select trace from spans union all select trace from logs where trace is not null)
    group by trace
) as held using (trace)
where held.held <> traces.settled_from
