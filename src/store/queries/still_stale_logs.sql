-- Those of some log records that are still of another version.
select id from logs where dialects <> $version and id in (select unnest($ids::uhugeint[]) as id)
