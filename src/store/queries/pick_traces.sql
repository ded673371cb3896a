-- Traces by start.
select trace, session, spans
from traces
where ($trace::uhugeint is null or trace = $trace)
    and ($session::varchar is null or session = $session)
    and ($project::varchar is null or project = $project)
order by started, trace
