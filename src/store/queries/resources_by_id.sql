-- Resources by id.
select id, raw from resources where id in (select unnest($ids::uhugeint[]) as id)
