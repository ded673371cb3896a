-- Leaves out of `listed` the traces that have only log records without calls, errors and questions, if their session has a
-- trace with spans.
-- Their sessions are looked for in the traces with spans, not each with each: such traces are few, and mostly there are
-- none, but one session may have thousands of either kind.
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
