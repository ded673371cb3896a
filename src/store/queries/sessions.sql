-- Sessions, newest activity first, or in another order those of the largest weight; the traces without a session are one row.
-- `users` has one user a line. `total` is the number of rows without the limit.
select
    session,
    string_agg(distinct user_id, chr(10) order by user_id) as users,
    min(started) as first_seen,
    max(last_seen) as last_seen,
    -- How long any of its traces went on: the times between them are left out, and what ran at the same time counts once.
    -- A trace whose start is unknown adds nothing.
    sum(greatest(over, covered) - greatest(started, covered)) filter (started > 0) as lasted,
    -- How many are in each state, and when the first of them stops running though nothing comes.
    count(*) filter (running) as running,
    count(*) filter (never_ended) as never_ended,
    count(*) filter (failed) as failed,
    count(*) filter (recovered) as recovered,
    count(*) as traces,
    min(running_until) filter (running) as until,
    max(repeats) filter (is_loop) as loops,
    sum(uncached_input), sum(cache_read), sum(cache_write), sum(output), sum(reasoning),
    sum(cost), sum(priced), sum(unpriced), sum(model_calls), sum(tool_calls), sum(failed_tools),
    sum(pending_tools), sum(errors),
    count(*) over () as total,
    min(score),
    -- A label that says that something failed, as `Score::says_failed`; else, where there is no number, the last.
    coalesce(
        any_value(score_label) filter (lower(trim(score_label)) in ('fail', 'failed')),
        if(min(score) is null, arg_max(score_label, last_seen), null)
    ),
    string_agg(distinct score_names, chr(10))
from (
    select
        *,
        -- The latest end of the traces that began before it.
        coalesce(max(over) filter (started > 0) over (
            partition by session order by started, trace rows between unbounded preceding and 1 preceding
        ), 0) as covered
    from (select *, greatest(coalesce(ended, last_seen), started) as over from shown)
)
group by session
order by {weight} desc nulls last, max(last_seen) desc, session
limit $limit
