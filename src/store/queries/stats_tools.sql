-- The tool runs of the runs that are shown: together (level 1) and by tool (0). `loops`: in how many runs it was called in a
-- loop. Durations are counted as those of calls, in `stats_calls.sql`.
, spread as (
    select level, name, list(number order by longest) as took, list(longest order by longest) as took_longest
    from (
        select grouping_id(tool) as level, tool as name, sum(number)::ubigint as number, max(longest) as longest
        from (
            select
                tool, if($exact, lasted, floor(ln(lasted::double + 1) * 50)::ubigint) as bucket,
                count(*) as number, max(lasted) as longest
            from steps
            where kind = 'tool' and lasted is not null and {among}
            group by tool, bucket
        )
        group by grouping sets ((bucket), (bucket, tool))
    )
    group by level, name
)
select
    sums.level, sums.name, count(*) over (partition by sums.level), 0, calls, failed, coalesce(loops, 0),
    null::ubigint, null::ubigint, null::ubigint, null::ubigint, null::ubigint, null::hugeint, 0, 0,
    took, took_longest
from (
    select grouping_id(tool) as level, tool as name, count(*) as calls, count(*) filter (failed) as failed
    from steps
    where kind = 'tool' and {among}
    group by grouping sets ((), (tool))
) as sums
left join spread on spread.level = sums.level and spread.name is not distinct from sums.name
left join (
    select 0 as level, repeat_tool as name, count(*) as loops from shown where is_loop group by repeat_tool
) as looping on looping.level = sums.level and looping.name = sums.name
qualify row_number() over (partition by sums.level order by calls desc, sums.name) <= $most
order by sums.level, calls desc, sums.name
