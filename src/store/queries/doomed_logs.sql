-- Log records without a trace that are to be removed, by time. One of them belongs to the session that it names itself.
select id
from logs
where trace is null
    and (
        ($of_session and session = $session::varchar)
        or (happened > 0 and happened < $before::ubigint)
        or happened <= $until::ubigint
    )
order by happened, position, id
limit $most
