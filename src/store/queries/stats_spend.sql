-- What the runs that are shown cost, in stretches of time from $from on, $stretch nanoseconds each.
select least((started - $from::ubigint) // $stretch::ubigint, $last::ubigint) as place, sum(cost)
from steps
where started >= $from and cost > 0 and {among}
group by place
order by place
