-- Which of some spans there are, and whether an older version understood them: another record may have come meanwhile.
select trace, id, dialects <> $version from spans
where (trace, id) in (select unnest($traces::uhugeint[]) as trace, unnest($ids::ubigint[]) as id)
