-- When the last program ended that had sent some of each of these traces.
select trace, max(ended) from program_ends where trace in (select unnest($traces::uhugeint[]) as trace) group by trace
