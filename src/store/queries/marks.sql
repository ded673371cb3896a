-- The marked places by letter, each with the session of its run; `traces.trace` is null where the run is not held any more.
select marks.letter, marks.trace, marks.span, marks.note, marks.marked, traces.session, traces.trace is not null
from marks
left join traces on traces.trace = marks.trace
order by marks.letter
