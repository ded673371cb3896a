-- The relation `shown` of a filter without words. It stands before a question as `with shown as (…)`, behind `listed`.
select *
from listed
where ($project::varchar is null or project = $project) and ($any_session or session is not distinct from $session::varchar)
