-- One span in its raw form, with its stored translation.
select spans.project, spans.synthetic, spans.raw, spans.pieces, spans.understood, resources.raw, scopes.raw
from spans
join resources on resources.id = spans.resource
join scopes on scopes.id = spans.scope
where spans.trace = $trace and spans.id = $span
