-- The next few small traces of the session of a trace, by start: they may hold its answer and what its tools returned. Only
-- where a tool call of it has no result, or the trace is a call by itself.
with own as materialized (
    select trace, session, started
    from traces
    where trace in (select unnest($traces::uhugeint[]) as trace) and session is not null
        and (pending_tools > 0 or (model_calls > 0 and spans <= 3))
)
select own.trace, other.trace
from own
join traces as other on other.session = own.session
where other.has_ai and other.spans <= $spans::ubigint and (other.started, other.trace) > (own.started, own.trace)
order by other.started, other.trace
limit $most::ubigint
