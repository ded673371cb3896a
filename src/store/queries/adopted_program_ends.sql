-- The program that sent a trace which another one adopts sent that as well.
insert into program_ends
select adopter, ended
from program_ends join adopted_traces using (trace)
where trace in (select unnest($traces::uhugeint[]) as trace)
