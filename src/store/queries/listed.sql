-- The relation `listed`: all traces but those of which only log records came that say nothing, where spans of their session
-- tell the story. It stands before a question as `with listed as (…)`.
-- A join, not a list of all sessions: silent traces are few, and mostly there are none.
select *
from traces
where trace not in (
    select silent.trace
    from traces as silent
    join traces as telling on telling.session = silent.session and telling.spans > 0
    where silent.spans = 0 and silent.model_calls = 0 and silent.tool_calls = 0 and silent.errors = 0
        and silent.question is null
)
