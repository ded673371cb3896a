//! How many turns are left until a conversation fills its model's context window, if its prompts go on growing.

use crate::model::AssembledTrace;

/// The growth of so many prompts at most is looked at.
const PROMPTS: usize = 8;

/// Fewer prompts show no growth yet.
const LEAST: usize = 3;

/// More turns than this are too far away to speak of.
const FAR: u64 = 100;

/// How full the window is, and when it will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forecast {
    /// The last call of the conversation, by its place in the trace.
    pub call: usize,
    pub used: u64,
    pub window: u64,
    /// By how many tokens the prompt grows with each turn, on the average.
    pub growth: u64,
    /// So many more turns fit.
    pub turns: u64,
}

/// The forecast for the conversation of a trace's last turn; `None` where its prompts do not grow, where too few of them
/// are known, or where there is room for long.
#[must_use]
pub fn of(trace: &AssembledTrace) -> Option<Forecast> {
    let input = |call: usize| trace.calls.get(call)?.usage?.input();
    let call = trace.calls.iter().rposition(|call| call.category.takes_turns())?;
    let window = trace.calls[call].window.filter(|window| *window > 0)?;
    let before = |at: &usize| trace.calls.get(*at)?.request.previous.filter(|previous| previous < at);
    let chain = std::iter::successors(Some(call), before).take(PROMPTS);
    let prompts: Vec<u64> = chain.map_while(input).collect();
    let (used, first) = (*prompts.first()?, *prompts.last()?);
    if prompts.len() < LEAST {
        return None;
    }
    let growth = used.checked_sub(first)? / (prompts.len() as u64 - 1);
    let turns = window.saturating_sub(used).checked_div(growth)?;
    (turns <= FAR).then_some(Forecast { call, used, window, growth, turns })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ModelCall, Request, SpanId, Timestamp, TokenUsage, TraceId};

    fn trace(inputs: &[u64], window: u64) -> AssembledTrace {
        let call = |(at, input): (usize, &u64)| ModelCall {
            usage: Some(TokenUsage { uncached_input: Some(*input), ..TokenUsage::default() }),
            window: Some(window),
            request: Request { previous: at.checked_sub(1), ..Request::default() },
            ..ModelCall::sample(SpanId::from_bytes(&[u8::try_from(at).unwrap() + 1; 8]).unwrap(), Timestamp(1))
        };
        let calls = inputs.iter().enumerate().map(call).collect();
        AssembledTrace { calls, ..AssembledTrace::sample(TraceId::from_bytes(&[1; 16]).unwrap(), Timestamp(1)) }
    }

    #[test]
    fn the_turns_that_are_left_follow_from_the_growth() {
        let forecast = of(&trace(&[1_000, 3_000, 5_000], 20_000)).unwrap();
        assert_eq!((forecast.growth, forecast.turns, forecast.call), (2_000, 7, 2));
        assert_eq!(of(&trace(&[1_000, 3_000, 30_000], 20_000)).map(|forecast| forecast.turns), Some(0));
    }

    #[test]
    fn nothing_is_said_where_nothing_grows_or_there_is_room_for_long() {
        assert_eq!(of(&trace(&[5_000, 3_000, 1_000], 20_000)), None, "it was cut");
        assert_eq!(of(&trace(&[1_000, 1_000, 1_000], 20_000)), None);
        assert_eq!(of(&trace(&[1_000, 9_000], 20_000)), None, "one step is no growth");
        assert_eq!(of(&trace(&[1_000, 1_100, 1_200], 1_000_000)), None, "it is far away");
        assert_eq!(of(&trace(&[u64::MAX, 0, u64::MAX], u64::MAX)), None);
    }
}
