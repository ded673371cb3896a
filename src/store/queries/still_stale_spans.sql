-- Which of some spans an older version understood even now: another record of a span may have come meanwhile.
select trace, id from spans
where version <> $version and (trace, id) in (select unnest($traces::uhugeint[]), unnest($ids::ubigint[]))
