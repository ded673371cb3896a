-- Traces that were summarized again: their new rows are appended in the same transaction.
delete from traces where trace in (select unnest($traces::uhugeint[]) as trace)
