-- The relation `listed`: all traces, but for those that have only log records without calls, errors and questions, if their
-- session has a trace with spans. It is put before a statement as `with listed as (…)`.
-- A join, not a list of all sessions: such traces are few, and mostly there are none.
-- Beside the columns of `traces` it has the state of each trace at the moment $now, by the rules of `TraceSummary::run_state`.
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
    join traces as other on other.session = silent.session and other.spans > 0
    where silent.spans = 0 and silent.model_calls = 0 and silent.tool_calls = 0 and silent.errors = 0
        and silent.question is null
)
