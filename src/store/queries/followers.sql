-- The traces that may hold what the tools of some traces returned, by start: those that began while one of these ran or
-- soon after, of the same service. Only where none of them names a session, which joins traces by itself, and where a
-- tool call has no result, or the trace is a call by itself. Small ones only: they are read together with the trace.
with own as materialized (
    select trace, project, service, started, coalesce(ended, last_seen) as ended
    from traces
    where trace in (select unnest($traces::uhugeint[]) as trace) and session is null
        and (pending_tools > 0 or (model_calls > 0 and spans <= 3))
), other as (
    -- Those at the time of any of these first: comparing each with all traces would grow with the store's square.
    select trace, project, service, started
    from traces
    where session is null and has_ai and spans <= $spans::ubigint
        and started >= (select min(started) from own) and started <= (select max(ended) from own)::hugeint + $within::ubigint
)
select own.trace, other.trace
from own
join other on other.project = own.project
    and other.service is not distinct from own.service
    and other.started >= own.started and other.started <= own.ended::hugeint + $within::ubigint
    and other.trace <> own.trace
qualify row_number() over (partition by own.trace order by other.started, other.trace) <= $most::ubigint
order by own.trace, other.started, other.trace
