-- The tool runs of the runs that are shown: together (level 1) and by tool (0). `loops`: in how many runs it was called in a
-- loop. Durations are counted as those of calls, in `stats_calls.sql`; those of what goes on have no bucket.
, bucketed as (
    select
        tool, if($exact, lasted, floor(ln(lasted::double + 1) * 50)::ubigint) as bucket,
        count(*) as number, count(*) filter (failed) as failed, max(lasted) as longest
    from steps
    where kind = 'tool' and {among}
    group by tool, bucket
), sums as (
    select
        level, name, sum(number) as calls, sum(failed) as failed,
        list(number) filter (longest is not null) as took,
        list(longest) filter (longest is not null) as took_longest
    from (
        select
            grouping_id(tool) as level, tool as name,
            sum(number)::ubigint as number, sum(failed) as failed, max(longest) as longest
        from bucketed
        group by grouping sets ((bucket), (bucket, tool))
    )
    group by level, name
)
select
    sums.level, sums.name, count(*) over (partition by sums.level), 0, calls, failed, coalesce(loops, 0),
    null::ubigint, null::ubigint, null::ubigint, null::ubigint, null::ubigint, null::hugeint, 0, 0,
    took, took_longest
from sums
left join (
    select 0 as level, repeat_tool as name, count(*) as loops from shown where is_loop group by repeat_tool
) as looping on looping.level = sums.level and looping.name = sums.name
qualify row_number() over (partition by sums.level order by calls desc, sums.name) <= $most
order by sums.level, calls desc, sums.name
