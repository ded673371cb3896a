-- A mark of a run that another one adopts marks its call there.
insert into marks
select letter, adopter, coalesce(span, lone), note, marked
from marks join adopted_traces using (trace)
where trace in (select unnest($traces::uhugeint[]) as trace)
