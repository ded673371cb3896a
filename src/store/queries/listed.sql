-- The relation `listed`: all traces but those of which only log records came that say nothing, where spans of their session
-- tell the story. It stands before a question as `with listed as (…)`.
-- A join, not a list of all sessions: silent traces are few, and mostly there are none.
-- Beside the columns of `traces` it has the state of each trace at the moment $now, as `TraceSummary::run_state` tells it.
select
    *,
    running_until is not null and running_until > $now as running,
    waits in ('spans', 'root') and running_until <= $now as never_ended,
    not running and not coalesce(never_ended, false) and state = 'error' as failed,
    not running and not coalesce(never_ended, false) and state <> 'error' and errors > 0 as recovered
from traces
where trace not in (
    select silent.trace
    from traces as silent
    join traces as telling on telling.session = silent.session and telling.spans > 0
    where silent.spans = 0 and silent.model_calls = 0 and silent.tool_calls = 0 and silent.errors = 0
        and silent.question is null
)
