-- The bytes of the raw forms of the longest of some traces. The id of a piece stands for some hundred packed bytes.
select coalesce(max(bytes), 0)::ubigint from (
    select sum(octet_length(raw) + 32 * coalesce(octet_length(pieces), 0)) as bytes from (
        select trace, raw, pieces from spans union all select trace, raw, pieces from logs
    )
    where trace in (select unnest($traces::uhugeint[]) as trace)
    group by trace
)
