-- The stored halves of some exchanges.
select id, trace, span, exchange, sent, is_response from logs
where exchange in (select unnest($exchanges::uhugeint[]) as exchange)
