-- The same for log records.
insert into logs
select logs.* replace (new.understood as understood, new.version as dialects)
from logs
join (
    select
        unnest($ids::uhugeint[]) as id, unnest($understood::blob[]) as understood,
        unnest($versions::uinteger[]) as version
) as new on logs.id = new.id
where logs.dialects in (select unnest($before::uinteger[]) as version)
