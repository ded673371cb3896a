-- Traces whose row was made from another number of spans and log records than are stored: the program was killed before
-- the summary of a large trace was due, or before that of reprocessed rows, of which there may be no row at all. A row of
-- which nothing is stored any more is one as well.
select coalesce(traces.trace, held.trace)
from traces
full join (
    select trace, count(*) as held
    from (select trace from spans union all select trace from logs where trace is not null)
    group by trace
) as held using (trace)
where coalesce(held.held, 0) is distinct from traces.settled_from
