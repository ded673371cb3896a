-- The relation `listed`: all traces, but for those of `silent.sql`. It is put before a statement as `with listed as (…)`.
-- Beside the columns of `traces` it has the state of each trace at the moment $now, by the rules of `TraceSummary::run_state`.
select
    *,
    running_until is not null and running_until > $now as running,
    waits in ('spans', 'root') and running_until <= $now as never_ended,
    not running and not coalesce(never_ended, false) and state = 'error' as failed,
    not running and not coalesce(never_ended, false) and state <> 'error' and (errors > 0 or failed_tools > 0) as recovered
from traces
