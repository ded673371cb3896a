-- Runs that somebody should look at, the newest first, each with the worst thing about it. Which those are is found first, as
-- what else is told of them is in many columns. Beside each stands how many of all are dear.
, judged as materialized (
    select
        trace, started,
        not running and priced > 0 and unpriced = 0 and cost >= 3::hugeint * usual.median as is_dear,
        case
            when failed then 'failed'
            when is_loop then 'loop'
            when never_ended then 'never ended'
            when cut_off then 'cut off'
            when filled >= 900 then 'context full'
            when unanswered is not null then 'no tool result'
            when cache_turn is not null then 'cache break'
            when is_dear then 'over 3x usual cost'
        end as why,
        median
    from shown
    left join usual using (label)
    where why is not null
), picked as (
    select trace, why, median
    from judged
    order by started desc, trace desc
    limit $most
)
select
    trace, session, coalesce(label, case when question is null then name end), question, started, why, failure,
    repeats, is_loop, repeat_tool, repeat_cost,
    filled, unanswered, cache_before, cache_after, cache_turn, case when priced > 0 and unpriced = 0 then cost end, median,
    unpriced > 0, (select count(*) from judged where is_dear)
from picked join traces using (trace)
order by started desc, trace desc
