-- The sums of what is shown, and beside them those of the header, which no filter changes.
select *
from
    (
        select
            count(distinct session),
            count(*),
            count(*) filter (state = 'running'),
            count(*) filter (state = 'error'),
            count(*) filter (state = 'ok' and errors > 0),
            sum(spans),
            sum(uncached_input), sum(cache_read), sum(cache_write), sum(output), sum(reasoning),
            sum(cost), sum(priced), sum(unpriced), sum(model_calls), sum(tool_calls), sum(failed_tools), sum(errors)
        from shown
    ),
    (
        select
            count(*),
            count(*) filter (state = 'running'),
            sum(uncached_input), sum(cache_read), sum(cache_write), sum(output), sum(reasoning),
            sum(cost), sum(priced), sum(unpriced), sum(model_calls), sum(tool_calls), sum(failed_tools), sum(errors)
        from listed
    )
