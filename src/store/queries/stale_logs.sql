-- Log records that another version understood, as in `stale_spans.sql`, with where they were put before. In the order in
-- which they were stored: a record may name what a later one is about.
select id, position, project, raw, pieces, resource, scope, trace, span from logs
where rowid in (select unnest($rows::bigint[]) as rowid)
order by rowid
