-- The statistics of the runs that are shown, without those of their steps. A duration is that of a run that has ended.
select
    count(distinct session),
    count(*) filter (running),
    count(*) filter (never_ended),
    count(*) filter (failed),
    count(*) filter (recovered),
    count(*),
    min(running_until) filter (running),
    sum(spans),
    sum(uncached_input), sum(cache_read), sum(cache_write), sum(output), sum(reasoning),
    sum(cost), sum(priced), sum(unpriced), sum(model_calls), sum(tool_calls), sum(failed_tools),
    sum(pending_tools), sum(errors),
    count(*) filter (is_loop),
    count(*) filter (cut_off),
    count(*) filter (filled >= 900),
    count(*) filter (known >= 3::hugeint * usual.median),
    quantile_disc(took, 0.5), quantile_disc(took, 0.95), max(took),
    quantile_disc(known, 0.5), quantile_disc(known, 0.95), max(known),
    min(started) filter (started > 0), max(last_seen)
from (
    select
        *,
        case when not running and not coalesce(never_ended, false) and started > 0 and ended >= started
            then ended - started end as took,
        case when not running and priced > 0 and unpriced = 0 then cost end as known
    from shown
)
left join usual using (label)
