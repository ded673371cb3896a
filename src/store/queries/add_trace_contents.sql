-- The contents of reprocessed traces, without those that are stored already.
insert into trace_contents
select trace, content from (select distinct unnest($traces::uhugeint[]) as trace, unnest($contents::uhugeint[]) as content)
where (trace, content) not in (select (trace, content) from trace_contents where trace in (select unnest($traces::uhugeint[]) as trace))
