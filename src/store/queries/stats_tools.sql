-- The tool runs of the runs that are shown: together (level 1) and by tool (0). `loops`: in how many runs it was called in a
-- loop.
select
    level, name, count(*) over (partition by level), 0, calls, failed, coalesce(loops, 0),
    null::ubigint, null::ubigint, null::ubigint, null::ubigint, null::ubigint, null::hugeint, 0, 0,
    took[1], took[2], longest, null::ubigint, null::ubigint, null::ubigint
from (
    select
        grouping_id(tool) as level,
        tool as name,
        count(*) as calls,
        count(*) filter (failed) as failed,
        quantile_disc(lasted, [0.5, 0.95]) as took,
        max(lasted) as longest
    from steps
    where kind = 'tool' and {among}
    group by grouping sets ((), (tool))
)
left join (
    select 0 as level, repeat_tool as name, count(*) as loops from shown where is_loop group by repeat_tool
) using (level, name)
qualify row_number() over (partition by level order by calls desc, name) <= $most
order by level, calls desc, name
