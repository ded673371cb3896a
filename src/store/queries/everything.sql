-- The relation `shown` of a filter without words. It is put before a statement as `with shown as (…)`, after `listed`.
select *
from listed
where ($project::varchar is null or project = $project) and ($any_session or session is not distinct from $session::varchar)
    and ($since::ubigint is null or started >= $since)
