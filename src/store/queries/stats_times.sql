-- How long the runs that are shown took, of those that have ended ('took'), and what they cost, of those whose whole cost
-- is known ('cost'). They are counted as the durations of calls, in `stats_calls.sql`.
select what, list(number), list(largest)
from (
    select
        'took' as what, if($exact, took, floor(ln(took::double + 1) * 50)::ubigint) as bucket,
        count(*)::ubigint as number, max(took) as largest
    from (
        select ended - started as took
        from shown
        where not running and not coalesce(never_ended, false) and started > 0 and ended >= started
    )
    group by bucket
    union all
    select
        'cost', if($exact, cost, floor(ln(cost::double + 1) * 50)::ubigint) as bucket,
        count(*)::ubigint, max(cost)
    from (select if(cost > 0, cost, 0)::ubigint as cost from shown where not running and priced > 0 and unpriced = 0)
    group by bucket
)
group by what
