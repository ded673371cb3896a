-- Some log records as they arrived, in the order in which they were made.
select project, raw, resource, scope from logs where id in (select unnest($ids::uhugeint[]) as id) order by happened, position, id
