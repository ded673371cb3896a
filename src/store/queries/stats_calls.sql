-- The counted model calls of the runs that are shown, and what spans paid for calls beneath them: together (level 3), by
-- model (1) and by agent (2). Of each level the first, and how many there are.
-- All is added up once by model and agent, which are grouped by the hash of both: that is faster than by texts. Durations are
-- counted in buckets, each 2 % wide unless they are to be exact: to sort all of them takes several times as long. Of each
-- bucket there are the number and the longest, both lists in the same order: what reads them finds the percentiles. (Window
-- functions over as many buckets take longer than to count them, and so does bringing the lists into order here.)
, sums as materialized (
    select
        hash(model, agent) as who, any_value(model) as model, any_value(agent) as agent,
        count(*) filter (kind <> 'payer') as calls,
        count(*) filter (failed) as failed,
        sum(uncached_input) as uncached_input, sum(cache_read) as cache_read, sum(cache_write) as cache_write,
        sum(output) as output, sum(reasoning) as reasoning,
        sum(cost) as cost, count(cost) as priced, count(*) filter (unpriced) as unpriced
    from steps
    where kind <> 'tool' and {among}
    group by who
), bucketed as (
    select
        'took' as what, hash(model, agent) as who, if($exact, lasted, floor(ln(lasted::double + 1) * 50)::ubigint) as bucket,
        count(*) as number, max(lasted) as longest
    from steps
    where kind = 'call' and lasted is not null and {among}
    group by who, bucket
    union all
    select
        'waited', hash(model, agent) as who, if($exact, first_token, floor(ln(first_token::double + 1) * 50)::ubigint) as bucket,
        count(*), max(first_token)
    from steps
    where kind <> 'tool' and first_token is not null and {among}
    group by who, bucket
), levels as (
    select who, 3 as level, null::varchar as name from sums
    union all
    select who, 1, model from sums
    union all
    select who, 2, agent from sums
), spread as materialized (
    select
        level, name,
        list(number) filter (what = 'took') as took, list(longest) filter (what = 'took') as took_longest,
        list(number) filter (what = 'waited') as waited, list(longest) filter (what = 'waited') as waited_longest
    from (
        select what, level, name, sum(number)::ubigint as number, max(longest) as longest
        from bucketed join levels using (who)
        group by what, level, name, bucket
    )
    group by level, name
)
select
    sums.level, sums.name, count(*) over (partition by sums.level), 0, calls, failed, 0,
    uncached_input, cache_read, cache_write, output, reasoning, cost, priced, unpriced,
    took, took_longest, waited, waited_longest
from (
    select
        level, name,
        sum(calls) as calls, sum(failed) as failed,
        sum(uncached_input) as uncached_input, sum(cache_read) as cache_read, sum(cache_write) as cache_write,
        sum(output) as output, sum(reasoning) as reasoning,
        sum(cost) as cost, sum(priced) as priced, sum(unpriced) as unpriced
    from sums join levels using (who)
    group by level, name
) as sums
left join spread on spread.level = sums.level and spread.name is not distinct from sums.name
qualify row_number() over (partition by sums.level order by cost desc nulls last, calls desc, sums.name) <= $most
order by sums.level, cost desc nulls last, calls desc, sums.name
