-- The runs that are shown by {column}, the dearest first: which those are is found by their cost alone, as there may be as
-- many groups as runs, and the rest is added up of them only. `named`: how many groups have a name.
, top as (
    select {column} as name, count(*) over () as total, count({column}) over () as named, count(*) as runs, sum(cost) as cost
    from shown
    group by {column}
    order by cost desc, runs desc, name
    limit $most
)
select
    0, top.name, any_value(total), count(*) as runs, sum(model_calls), count(*) filter (failed), count(*) filter (is_loop),
    sum(uncached_input), sum(cache_read), sum(cache_write), sum(output), sum(reasoning),
    sum(shown.cost) as cost, sum(priced), sum(unpriced),
    quantile_disc(took, [0.5, 0.95])[1], quantile_disc(took, [0.5, 0.95])[2], max(took), any_value(named)
from top
join (
    select
        *,
        case when not running and not coalesce(never_ended, false) and started > 0 and ended >= started
            then ended - started end as took
    from shown
) as shown on shown.{column} is not distinct from top.name
group by top.name
order by cost desc, runs desc, top.name
