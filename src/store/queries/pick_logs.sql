-- Log records by time. One without a trace belongs to the session that it names itself.
select logs.id, logs.trace
from logs
left join traces on traces.trace = logs.trace
where ($trace::uhugeint is null or logs.trace = $trace)
    and ($session::varchar is null or coalesce(traces.session, logs.session) = $session)
    and ($project::varchar is null or coalesce(traces.project, logs.project) = $project)
order by logs.happened, logs.position, logs.id
