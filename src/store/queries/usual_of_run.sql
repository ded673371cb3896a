-- What the newest runs before one cost that have its label, the newest first, of those whose whole cost is known.
select listed.cost
from listed
join (select label, started, trace from traces where trace = $trace) as own on listed.label = own.label
where (listed.started, listed.trace) < (own.started, own.trace)
    and listed.priced > 0 and listed.unpriced = 0 and not listed.running
order by listed.started desc, listed.trace desc
limit $limit
