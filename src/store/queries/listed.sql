-- The relation `listed`: all traces, but for those that have only log records without calls, errors and questions, if their
-- session has a trace with spans. It is put before a statement as `with listed as (…)`.
-- Their sessions are looked for in the traces with spans, not each with each: such traces are few, and mostly there are
-- none, but one session may have thousands of either kind.
-- Beside the columns of `traces` it has the state of each trace at the moment $now, by the rules of `TraceSummary::run_state`.
select
    *,
    running_until is not null and running_until > $now as running,
    waits in ('spans', 'root') and running_until <= $now as never_ended,
    not running and not coalesce(never_ended, false) and state = 'error' as failed,
    not running and not coalesce(never_ended, false) and state <> 'error' and errors > 0 as recovered
from traces
where trace not in (
    with silent as (
        select trace, session
        from traces
        where spans = 0 and model_calls = 0 and tool_calls = 0 and errors = 0 and question is null and session is not null
    )
    select trace
    from silent
    where session in (
        select distinct session from traces where spans > 0 and session in (select session from silent)
    )
)
