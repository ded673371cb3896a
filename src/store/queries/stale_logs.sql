-- Log records that another version understood, as in `stale_spans.sql`.
select id, position, project, raw, resource, scope from logs where dialects <> $version limit $limit
