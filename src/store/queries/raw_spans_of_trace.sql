-- The raw form of the spans of one trace, by start.
select project, synthetic, raw, resource, scope from spans where trace = $trace order by started, id
