-- The sums of what is shown, and beside them those of the header, which no filter changes.
select *
from
    (
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
            count(*) filter (score is not null or score_label is not null)
        from shown
    ),
    (
        select
            count(*) filter (running),
            count(*) filter (never_ended),
            count(*) filter (failed),
            count(*) filter (recovered),
            count(*),
            min(running_until) filter (running),
            sum(uncached_input), sum(cache_read), sum(cache_write), sum(output), sum(reasoning),
            sum(cost), sum(priced), sum(unpriced), sum(model_calls), sum(tool_calls), sum(failed_tools),
            sum(pending_tools), sum(errors),
            sum(model_calls) filter (started >= $today),
            sum(cost) filter (started >= $today),
            sum(priced) filter (started >= $today),
            sum(unpriced) filter (started >= $today)
        from listed
    ),
    -- What they were judged for, and how many scores there are of their sessions that name no run.
    (
        select count(distinct score_names), coalesce(bool_or(contains(score_names, chr(10))), false)
        from shown
    ),
    (
        select count(*)
        from logs
        where trace is null and name = 'gen_ai.evaluation.result' and session in (select session from shown)
    )
