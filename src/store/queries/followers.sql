-- The traces that may hold what the tools of some traces returned, by start: those that began while one of these ran or
-- soon after, of the same service. Only where none of them names a session, which joins traces by itself, and where a
-- tool call has no result, or the trace is a call by itself. Small ones only: they are read together with the trace.
--
-- They are counted through by their start, and only the next few after each are looked at: to compare each with all that
-- began within minutes would grow with the square of how many there are.
with own as materialized (
    select trace, project, coalesce('=' || service, '') as service, started, coalesce(ended, last_seen) as ended
    from traces
    where trace in (select unnest($traces::uhugeint[]) as trace) and session is null
        and (pending_tools > 0 or (model_calls > 0 and spans <= 3))
), other as materialized (
    select trace, project, coalesce('=' || service, '') as service, started,
        row_number() over (partition by project, service order by started, trace) as nth
    from traces
    where session is null and has_ai and spans <= $spans::ubigint
        and started >= (select min(started) from own) and started <= (select max(ended) from own)::hugeint + $within::ubigint
), moment as (
    select project, service, started, min(nth) as nth from other group by project, service, started
), place as (
    select own.trace, own.project, own.service, own.ended, moment.nth
    from own
    asof join moment on own.project = moment.project and own.service = moment.service and own.started <= moment.started
), candidate as materialized (
    -- One more than are wanted, for a trace may be among them itself.
    select place.trace, project, service, ended, place.nth + after.nth as nth
    from place
    cross join range($most::bigint + 1) as after(nth)
)
select candidate.trace, other.trace
from candidate
join other on other.project = candidate.project and other.service = candidate.service and other.nth = candidate.nth
where other.started <= candidate.ended::hugeint + $within::ubigint and other.trace <> candidate.trace
qualify row_number() over (partition by candidate.trace order by other.started, other.trace) <= $most::ubigint
order by candidate.trace, other.started, other.trace
