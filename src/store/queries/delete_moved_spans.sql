-- Spans that were made of log records which are somewhere else now, unless another record still stands for them.
delete from spans
where synthetic
    and (trace, id) in (select unnest($traces::uhugeint[]) as trace, unnest($ids::ubigint[]) as id)
    and (trace, id) not in (select trace, span from logs where trace is not null and span is not null)
