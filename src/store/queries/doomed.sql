-- Traces that are to be removed, in the order in which they go: those of the session that was active longest ago first, of
-- each the oldest first; a trace without a session stands for itself.
-- `is_listed`: whether lists show it, by the rule of `listed.sql`; only those are counted as runs.
-- `place`: how many runs have gone when it is gone; `so_far`: how many spans and log records have gone before it.
select trace, session, is_listed, spans, records, last_seen
from (
    select
        *,
        count(*) filter (is_listed) over ordered as place,
        sum(records) over ordered - records as so_far
    from (
        select
            trace, session, spans, last_seen,
            greatest(settled_from, spans, 1) as records,
            spans > 0 or model_calls > 0 or tool_calls > 0 or errors > 0 or question is not null or session is null
                or max(spans) over (partition by session) = 0 as is_listed,
            case when session is null then last_seen else max(last_seen) over (partition by session) end as active
        from traces
    )
    where $marked_too or trace not in ({marked})
    window ordered as (order by active, session, last_seen, trace rows unbounded preceding)
)
where trace = $trace::uhugeint
    or ($of_session and session is not distinct from $session::varchar)
    or (last_seen > 0 and last_seen < $before::ubigint)
    or place - is_listed::integer < $excess_runs::ubigint
    or so_far < $excess_records::ubigint
order by active, session, last_seen, trace
limit $most
