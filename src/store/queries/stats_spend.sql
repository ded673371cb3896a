-- What the runs that are shown cost, in stretches of time from $from on, $stretch nanoseconds each; the last has all that
-- comes later.
select least(place, $last::ubigint) as place, sum(cost)
from (
    select (started - $from::ubigint) // $stretch::ubigint as place, sum(cost) as cost
    from steps
    where started >= $from and cost > 0 and {among}
    group by place
)
group by all
order by place
