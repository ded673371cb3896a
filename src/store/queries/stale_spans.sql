-- Spans that another version understood, with all that is needed to reprocess them. Each batch looks for them again: what
-- was reprocessed, or received meanwhile, has today's version.
select trace, id, synthetic, project, raw, resource, scope from spans where dialects <> $version limit $limit
