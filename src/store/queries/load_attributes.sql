-- The attributes by which some traces are found.
select trace, text from trace_attributes where trace in (select unnest($traces::uhugeint[]) as trace)
