-- The spans of one trace as they arrived, in the order in which they began.
select project, synthetic, raw, resource, scope from spans where trace = $trace order by started, id
