-- Spans that an older version understood, with all that is needed to understand them again.
-- Every round looks for them anew: what was understood meanwhile, or came anew, has the version of today.
select trace, id, synthetic, project, raw, resource, scope from spans where dialects <> $version limit $limit
