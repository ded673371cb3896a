//! Sums, and what they are of.

use serde_json::{Value as Json, json};
use sideseat_tui::{
    model::{Answer, Filter, Query, Totals, Usd},
    store::Store,
};

use crate::replay::{captures, list, store_of, transcript_of};

#[test]
fn totals_are_the_sum_of_the_counted_calls() {
    for capture in captures() {
        let store = store_of(&capture.bodies());
        let shown = transcript_of(&store);
        let place = format!("{}/{}", capture.client, capture.name);
        for trace in list(&shown["traces"]) {
            let (totals, counted) = (&trace["totals"], counted(trace));
            for field in ["uncached_input", "cache_read", "cache_write", "output", "reasoning"] {
                let known = counted.iter().filter_map(|span| span["usage"][field].as_u64());
                let sum = known.fold(None, |sum: Option<u64>, more| Some(sum.unwrap_or(0) + more));
                assert_eq!(totals["usage"][field], json!(sum), "{place}: {field}");
            }
            let costs: f64 = counted.iter().filter_map(|span| span["cost_usd"].as_f64()).sum();
            let cost = totals["cost_usd"].as_f64();
            assert!(cost.is_none_or(|cost| (cost - costs).abs() < 1e-9), "{place}: {cost:?} is not {costs}");
            let has_tokens = |span: &&&Json| span["usage"]["output"].as_u64().unwrap_or(0) > 0;
            let unpriced = counted.iter().filter(has_tokens).filter(|span| span["cost_usd"].is_null()).count();
            assert!(unpriced == 0 || cost.is_none(), "{place}: {unpriced} calls without a price are left out");
            let calls = counted.iter().filter(|span| span["category"] != "embedding" && span["category"] != "reranker");
            assert_eq!(totals["model_calls"], calls.count(), "{place}");
            assert_eq!(totals["errors"], list(&trace["errors"]).len(), "{place}");
            let own = list(&trace["tools"]).iter().filter(|tool| tool["earlier"] != true);
            assert_eq!(totals["tool_calls"], own.count(), "{place}");
            // A failure that only a later trace of the session tells is counted there, if it ran there. Results may name
            // no call.
            let told = trace["threads"].to_string();
            let here = |tool: &&Json| {
                !tool["span_id"].is_null()
                    || told.contains(&format!("{{\"call_id\":{},\"content\"", tool["call_id"]))
                    || told.contains("{\"call_id\":null,\"content\"")
            };
            let failed =
                list(&trace["tools"]).iter().filter(|tool| tool["status"] == "error" && tool["earlier"] != true);
            let failed = failed.filter(here).count();
            assert_eq!(totals["failed_tools"], failed, "{place}");
        }
        for (id, totals) in summaries(&store) {
            let in_full = list(&shown["traces"]).iter().find(|trace| trace["trace_id"] == id);
            let trace = in_full.unwrap_or_else(|| panic!("{place}: {id} is listed only"));
            let mut in_full = trace["totals"].clone();
            // The transcript's format takes what a call cost that broke off for nothing.
            let is_free = |span: &&Json| !span["error"].is_null() && span["cost_usd"] == 0.0;
            // And it leaves calls without tokens out.
            let is_silent = |span: &&Json| span["usage"]["output"].is_null() && span["cost_usd"].is_null();
            if totals["cost_usd"].is_null() && counted(trace).iter().any(|span| is_free(span) || is_silent(span)) {
                in_full["cost_usd"] = Json::Null;
            }
            assert_eq!(totals, in_full, "{place}: the list says otherwise");
        }
    }
}

fn counted(trace: &Json) -> Vec<&Json> {
    list(&trace["spans"]).iter().filter(|span| span["counted"] == true).collect()
}

/// What the lists say of each trace, in the transcript's form.
fn summaries(store: &Store) -> Vec<(String, Json)> {
    let every = || Filter::default();
    let Answer::Sessions(sessions) = store.answer(&Query::Sessions { filter: every(), limit: 1000 }).unwrap() else {
        panic!("not sessions")
    };
    let mut summaries = Vec::new();
    for session in sessions.rows {
        let query = Query::Traces { session: session.session.clone(), filter: every(), limit: 1000 };
        let Answer::Traces(traces) = store.answer(&query).unwrap() else { panic!("not traces") };
        let sum: Totals = traces.rows.iter().map(|trace| trace.totals).sum();
        assert_eq!(session.totals, sum, "{:?}", session.session);
        summaries.extend(traces.rows.iter().map(|trace| (trace.trace.to_string(), totals_json(&trace.totals))));
    }
    summaries
}

fn totals_json(totals: &Totals) -> Json {
    let usage = totals.usage;
    json!({
        "usage": {
            "uncached_input": usage.uncached_input,
            "cache_read": usage.cache_read,
            "cache_write": usage.cache_write,
            "output": usage.output,
            "reasoning": usage.reasoning,
        },
        "cost_usd": totals.cost_if_known().map(Usd::dollars),
        "model_calls": totals.model_calls,
        "tool_calls": totals.tool_calls,
        "failed_tools": totals.failed_tools,
        "errors": totals.errors,
    })
}
