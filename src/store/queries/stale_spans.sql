-- Spans that another version understood, with all that is needed to reprocess them: those of some rows that were found by
-- `next_rows`. Each batch looks for them again: what was reprocessed, or received meanwhile, has today's version.
select trace, id, synthetic, project, raw, pieces, resource, scope, parent from spans
where rowid in (select unnest($rows::bigint[]) as rowid)
