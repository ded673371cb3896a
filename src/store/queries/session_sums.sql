-- The sums of all traces of one session: its detail loads the newest of them only.
select
    sum(uncached_input), sum(cache_read), sum(cache_write), sum(output), sum(reasoning),
    sum(cost), sum(priced), sum(unpriced), sum(model_calls), sum(tool_calls), sum(failed_tools),
    sum(pending_tools), sum(errors)
from listed
where session = $session
