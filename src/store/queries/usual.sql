-- The relation `usual`: what the runs with a name cost, as the median of those of the time that is asked about, of names
-- that at least six runs have whose whole cost is known. It is put before a statement after `listed`.
select label, quantile_disc(cost, 0.5) as median
from listed
where label is not null and not running and priced > 0 and unpriced = 0 and ($since::ubigint is null or started >= $since)
group by label
having count(*) >= 6 and median > 0
