-- The marked places by letter, each with the session of its run; what is of a run that is not held
-- any more is null.
select marks.letter, marks.trace, marks.span, marks.note, marks.marked, traces.session, traces.started
from marks
left join traces on traces.trace = marks.trace
order by marks.letter
