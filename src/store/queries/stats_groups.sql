-- The runs that are shown by {column}, the dearest first. Their durations are asked of the first groups only, as there may
-- be as many groups as runs.
, top as (
    select
        {column} as name, count(*) over () as total, count(*) as runs, sum(model_calls) as calls,
        count(*) filter (failed) as failed, count(*) filter (is_loop) as loops,
        sum(uncached_input) as uncached_input, sum(cache_read) as cache_read, sum(cache_write) as cache_write,
        sum(output) as output, sum(reasoning) as reasoning,
        sum(cost) as cost, sum(priced) as priced, sum(unpriced) as unpriced
    from shown
    group by {column}
    order by cost desc, runs desc, name
    limit $most
)
select
    0, top.name, total, runs, calls, failed, loops,
    uncached_input, cache_read, cache_write, output, reasoning, cost, priced, unpriced,
    took[1], took[2], longest, null::ubigint, null::ubigint, null::ubigint
from top
left join (
    select {column} as name, quantile_disc(ended - started, [0.5, 0.95]) as took, max(ended - started) as longest
    from shown
    where not running and not coalesce(never_ended, false) and started > 0 and ended >= started
        and ({column} is null or {column} in (select name from top where name is not null))
    group by {column}
) as times on times.name is not distinct from top.name
order by cost desc, runs desc, top.name
