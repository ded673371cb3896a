-- Spans with other prices, appended beside those that are deleted next. The rest of their rows stays as it is.
insert into spans
select spans.* replace (new.understood as understood, new.cost as cost, new.version as dialects)
from spans
join (
    select
        unnest($traces::uhugeint[]) as trace, unnest($ids::ubigint[]) as id, unnest($understood::blob[]) as understood,
        unnest($costs::bigint[]) as cost, unnest($versions::uinteger[]) as version
) as new on spans.trace = new.trace and spans.id = new.id
where spans.dialects in (select unnest($before::uinteger[]) as version)
