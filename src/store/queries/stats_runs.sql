-- The statistics of the runs that are shown, without those of their steps, percentiles, the number of sessions, which is that
-- of the groups by session, and how many are dear, which is found with what needs attention.
select
    count(*) filter (running),
    count(*) filter (never_ended),
    count(*) filter (failed),
    count(*) filter (recovered),
    count(*),
    min(running_until) filter (running),
    sum(spans),
    sum(uncached_input), sum(cache_read), sum(cache_write), sum(output), sum(reasoning),
    sum(cost), sum(priced), sum(unpriced), sum(model_calls), sum(tool_calls), sum(failed_tools),
    sum(pending_tools), sum(errors),
    count(*) filter (is_loop),
    count(*) filter (cut_off),
    count(*) filter (filled >= 900),
    count(*) filter (unanswered is not null),
    count(*) filter (cache_turn is not null),
    min(started) filter (started > 0), max(last_seen)
from shown
