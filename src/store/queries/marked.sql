-- The traces that are kept whatever the limits are, because somebody marked them or a step of them.
select trace from marks
