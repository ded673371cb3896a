-- The contents of some traces.
select trace, content from trace_contents where trace in (select unnest($traces::uhugeint[]) as trace)
