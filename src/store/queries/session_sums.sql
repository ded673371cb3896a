-- What all traces of one session have together: its detail loads the newest of them only. Users and models are one a line.
select
    count(*) filter (running),
    count(*) filter (never_ended),
    count(*) filter (failed),
    count(*) filter (recovered),
    count(*),
    min(running_until) filter (running),
    sum(uncached_input), sum(cache_read), sum(cache_write), sum(output), sum(reasoning),
    sum(cost), sum(priced), sum(unpriced), sum(model_calls), sum(tool_calls), sum(failed_tools),
    sum(pending_tools), sum(errors),
    string_agg(distinct user_id, chr(10) order by user_id),
    string_agg(distinct models, chr(10) order by models)
from listed
where session = $session
