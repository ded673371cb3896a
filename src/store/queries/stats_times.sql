-- How long the runs that are shown took, of those that have ended ('took'), and what they cost, of those whose whole cost
-- is known ('cost'). Percentiles are found as those of calls, in `stats_calls.sql`.
, ranked as (
    select
        what, largest,
        sum(number) over (partition by what order by bucket) as up_to,
        sum(number) over (partition by what) as total
    from (
        select
            'took' as what, if($exact, took, floor(ln(took::double + 1) * 50)::ubigint) as bucket,
            count(*) as number, max(took) as largest
        from (
            select ended - started as took
            from shown
            where not running and not coalesce(never_ended, false) and started > 0 and ended >= started
        )
        group by bucket
        union all
        select
            'cost', if($exact, cost, floor(ln(cost::double + 1) * 50)::ubigint) as bucket,
            count(*), max(cost)
        from (select if(cost > 0, cost, 0)::ubigint as cost from shown where not running and priced > 0 and unpriced = 0)
        group by bucket
    )
)
select
    what,
    min(largest) filter (2 * up_to >= total),
    min(largest) filter (20 * up_to >= 19 * total),
    max(largest)
from ranked
group by what
