-- Some log records as they arrived, in the order in which they were made.
select project, raw, resource, scope from logs where id in (select unnest($ids::uhugeint[])) order by happened, position, id
