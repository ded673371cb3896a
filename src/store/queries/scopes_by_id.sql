-- Scopes by id.
select id, raw from scopes where id in (select unnest($ids::uhugeint[]) as id)
