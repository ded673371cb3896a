-- Log records that another version understood, as in `stale_spans.sql`, with where they were put before.
select id, position, project, raw, resource, scope, trace, span from logs
where rowid in (select unnest($rows::bigint[]) as rowid)
