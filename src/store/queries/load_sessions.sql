-- The session of some traces in their last summary.
select trace, session from traces where trace in (select unnest($traces::uhugeint[]) as trace)
