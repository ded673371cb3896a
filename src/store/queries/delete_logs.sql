-- Log records that were reprocessed: their new rows are appended in the same transaction.
delete from logs where id in (select unnest($ids::uhugeint[]) as id)
