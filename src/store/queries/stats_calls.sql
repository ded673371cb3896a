-- The counted model calls of the runs that are shown, and what spans paid for calls beneath them: together (level 3), by
-- model (1) and by agent (2). Of each level the first, and how many there are.
select
    level, name, count(*) over (partition by level), 0, calls, failed, 0,
    uncached_input, cache_read, cache_write, output, reasoning, cost, priced, unpriced,
    took[1], took[2], longest, waited[1], waited[2], longest_wait
from (
    select
        grouping_id(model, agent) as level,
        coalesce(model, agent) as name,
        count(*) filter (kind <> 'payer') as calls,
        count(*) filter (failed) as failed,
        sum(uncached_input) as uncached_input, sum(cache_read) as cache_read, sum(cache_write) as cache_write,
        sum(output) as output, sum(reasoning) as reasoning,
        sum(cost) as cost, count(cost) as priced, count(*) filter (unpriced) as unpriced,
        quantile_disc(lasted, [0.5, 0.95]) filter (kind = 'call') as took,
        max(lasted) filter (kind = 'call') as longest,
        quantile_disc(first_token, [0.5, 0.95]) as waited,
        max(first_token) as longest_wait
    from steps
    where kind <> 'tool' and {among}
    group by grouping sets ((), (model), (agent))
)
qualify row_number() over (partition by level order by cost desc nulls last, calls desc, name) <= $most
order by level, cost desc nulls last, calls desc, name
