-- Spans of which a better record was received, or that were reprocessed: their new rows are appended in the same transaction.
delete from spans where (trace, id) in (select unnest($traces::uhugeint[]) as trace, unnest($ids::ubigint[]) as id)
