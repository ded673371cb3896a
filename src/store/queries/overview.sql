-- The sums of the header.
select
    count(distinct session),
    count(*),
    count(*) filter (state = 'running'),
    count(*) filter (state = 'error'),
    sum(spans),
    sum(uncached_input), sum(cache_read), sum(cache_write), sum(output), sum(reasoning),
    sum(cost), sum(priced), sum(unpriced), sum(model_calls), sum(tool_calls), sum(failed_tools), sum(errors),
    (select count(*) from traces)
from shown
