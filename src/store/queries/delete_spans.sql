-- Spans that came again: their new rows are appended in the same transaction.
delete from spans where (trace, id) in (select unnest($traces::uhugeint[]), unnest($ids::ubigint[]))
