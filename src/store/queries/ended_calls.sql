-- The calls that began last, in the order in which they began.
select trace, id, parent, project, resource, scope, started, ended from (
    select * from spans
    where started >= $since and ended is not null and category in ('llm', 'embedding', 'reranker')
    order by started desc
    limit $most
)
order by started
