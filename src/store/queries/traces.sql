-- The traces of one session (null: of none), or of all: the newest of them, oldest first; in another order
-- those of the largest weight, the largest last.
-- `total` is their number without the limit.
select * from (
    select
        trace, project, name, session, user_id, service, framework, question, started, ended, last_seen, state, waits,
        label, spans, models,
        repeats, is_loop, repeat_tool, repeat_cost,
        uncached_input, cache_read, cache_write, output, reasoning,
        cost, priced, unpriced, model_calls, tool_calls, failed_tools, pending_tools, errors,
        count(*) over () as total, program_ended, score, score_label, score_names,
        {weight} as weight
    from shown
    where $of_any or session is not distinct from $of
    order by weight desc, started desc, trace desc
    limit $limit
)
order by weight, started, trace
