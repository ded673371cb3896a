-- Those of some spans that are stored, and whether they are still of another version: a newer record may have been received.
select trace, id, dialects <> $version from spans
where (trace, id) in (select unnest($traces::uhugeint[]) as trace, unnest($ids::ubigint[]) as id)
