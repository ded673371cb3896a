-- Some log records in their raw form, to be placed anew.
select id, position, project, raw, pieces, resource, scope from logs
where id in (select unnest($ids::uhugeint[]) as id)
