-- Traces that may be removed, in the order in which they go: those of the session that was active longest ago first, of each
-- the oldest first; a trace without a session stands for itself. How many of them go is counted by who reads them: sums over
-- all rows of a store took the engine half a minute for 240,000 traces.
-- `is_listed`: whether lists show it, by the rule of `listed.sql`; only those are counted as runs.
with sessions as (
    select session, max(last_seen) as active, max(spans) = 0 as is_silent
    from traces
    where session is not null
    group by session
)
select
    trace, traces.session,
    spans > 0 or model_calls > 0 or tool_calls > 0 or errors > 0 or question is not null or traces.session is null
        or is_silent as is_listed,
    spans, greatest(settled_from, spans, 1) as records, last_seen, coalesce(active, last_seen) as goes
from traces
left join sessions on traces.session = sessions.session
where ($marked_too or trace not in ({marked}))
    and ($trace is null or trace = $trace::uhugeint)
    and (not $of_session or traces.session is not distinct from $session::varchar)
    and ($before is null or (last_seen > 0 and last_seen < $before::ubigint))
order by goes, traces.session, last_seen, trace
limit $most
