-- Whether there is a trace that `silent.sql` may leave out.
select exists (
    select 1
    from traces
    where spans = 0 and model_calls = 0 and tool_calls = 0 and errors = 0 and question is null and session is not null
)
