-- How many runs there are, by the rule of `doomed.sql`, how many sessions, and how many spans and log records.
select
    (count(*) filter (is_listed))::ubigint,
    count(distinct session)::ubigint,
    coalesce(sum(records), 0)::ubigint + (select count(*) from logs where trace is null)::ubigint
from (
    select
        session,
        greatest(settled_from, spans, 1) as records,
        spans > 0 or model_calls > 0 or tool_calls > 0 or errors > 0 or question is not null or session is null
            or max(spans) over (partition by session) = 0 as is_listed
    from traces
)
