-- Which contents some traces are known to carry.
select trace, content from trace_contents where trace in (select unnest($traces::uhugeint[]) as trace)
