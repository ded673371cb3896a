-- The session each of some traces had when it was last settled.
select trace, session from traces where trace in (select unnest($traces::uhugeint[]) as trace)
