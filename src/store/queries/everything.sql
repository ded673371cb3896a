-- The relation `shown` of a filter without words. It stands before a question as `with shown as (…)`.
select *
from traces
where ($project::varchar is null or project = $project) and ($session::varchar is null or session = $session)
