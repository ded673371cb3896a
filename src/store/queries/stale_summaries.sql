-- Traces whose row was made from another number of spans and log records than are stored: the program was killed before
-- the summary of a large trace was due.
select traces.trace
from traces
join (
    select trace, count(*) as held
    from (select trace from spans union all select trace from logs where trace is not null)
    group by trace
) as held using (trace)
where held.held <> traces.settled_from
