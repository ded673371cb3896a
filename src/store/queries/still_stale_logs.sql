-- Which of some log records an older version understood even now.
select id from logs where dialects <> $version and id in (select unnest($ids::uhugeint[]) as id)
