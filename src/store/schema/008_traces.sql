-- One row a trace: what lists show and sums add up. Made from `spans` and `logs` by `assemble::summarize`; never the truth.
create table traces (
    trace uhugeint not null,
    project varchar not null,
    name varchar,
    session varchar,
    user_id varchar,
    service varchar,
    framework varchar,
    question varchar,
    started ubigint not null,
    ended ubigint,
    last_seen ubigint not null,
    state varchar not null,
    spans ubigint not null,
    -- One a line.
    models varchar not null,
    uncached_input ubigint,
    cache_read ubigint,
    cache_write ubigint,
    output ubigint,
    reasoning ubigint,
    cost bigint not null,
    priced ubigint not null,
    unpriced ubigint not null,
    model_calls ubigint not null,
    tool_calls ubigint not null,
    failed_tools ubigint not null,
    errors ubigint not null,
    has_ai boolean not null,
    -- How many spans and log records it was made from: fewer than there are means that it is to be made again.
    settled_from ubigint not null
)
