//! What the detail shows of an answer, worked out before the answer comes to the screen.

use std::sync::Arc;

use super::labels::Labels;
use crate::{
    app::{document::Blocks, tab_source::TabSource, verdict::Verdict},
    model::{Answer, Detail, QuerySlot},
    tabs::Tab,
};

/// Of an answer with more spans than this, opening another tab would take too long if its blocks were made then.
const LARGE: usize = 2_000;

/// What follows from an answer about a trace or session. It is made on the thread that answers: of a large answer it
/// takes longer than a frame.
#[derive(Debug, Clone, Default)]
pub struct Prepared {
    pub(super) labels: Labels,
    pub(super) verdict: Option<Verdict>,
    /// The blocks of the tabs that were shown meanwhile, and of a large answer those of all tabs that are about it.
    blocks: Vec<(Tab, Arc<dyn Blocks>)>,
}

/// What the detail shows while an answer is under way: a tab in each of its panes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Showing([Option<Tab>; 2]);

impl Showing {
    pub(super) fn of(mut tabs: impl Iterator<Item = Tab>) -> Self {
        Self([tabs.next(), tabs.next()])
    }
}

impl Prepared {
    /// Of an answer for a slot; `None` where the screen takes the answer as it is.
    #[must_use]
    pub fn of(slot: &QuerySlot, answer: &Result<Answer, String>, Showing(tabs): Showing) -> Option<Box<Self>> {
        match (slot, answer) {
            (QuerySlot::Detail, Ok(Answer::Detail(Some(detail)))) => {
                let spans: usize = detail.traces.iter().map(|trace| trace.tree.nodes.len()).sum();
                let tabs = Tab::ALL.iter().filter(|one| spans > LARGE || tabs.contains(&Some(**one)));
                let blocks = tabs.filter_map(|tab| match tab.source() {
                    TabSource::Answer(blocks) | TabSource::Table(blocks) => Some((*tab, blocks(detail).into())),
                    TabSource::Span(_) => None,
                });
                Some(Box::new(Self { blocks: blocks.collect(), ..Self::without_blocks(Some(detail)) }))
            }
            _ => None,
        }
    }

    /// The same where the blocks are made when they are shown.
    pub(super) fn without_blocks(detail: Option<&Detail>) -> Self {
        Self { labels: Labels::of(detail), verdict: detail.and_then(Verdict::of), blocks: Vec::new() }
    }

    /// The blocks of a tab, if they were made.
    pub(super) fn blocks_of(&self, tab: Tab) -> Option<Arc<dyn Blocks>> {
        self.blocks.iter().find(|(of, _)| *of == tab).map(|(_, blocks)| blocks.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AssembledTrace, Node, SpanId, Timestamp, TraceId};

    #[test]
    fn of_a_large_answer_every_tab_is_prepared_and_of_a_small_one_that_which_is_shown() {
        let made = |spans: u64, shown: Tab| -> Vec<Tab> {
            let mut trace = AssembledTrace::sample(TraceId::from_bytes(&[1; 16]).unwrap(), Timestamp(1));
            let id = |nth: u64| SpanId::from_bytes(&nth.to_be_bytes()).unwrap();
            trace.tree.nodes = (1..=spans).map(|nth| Node::sample(id(nth), "step", Timestamp(nth))).collect();
            let answer = Ok(Answer::Detail(Some(Arc::new(Detail::whole(vec![Arc::new(trace)])))));
            let prepared = Prepared::of(&QuerySlot::Detail, &answer, Showing([Some(shown), None])).unwrap();
            Tab::ALL.iter().copied().filter(|tab| prepared.blocks_of(*tab).is_some()).collect()
        };
        let of_answer: Vec<Tab> = Tab::ALL.iter().copied().filter(|tab| !tab.is_of_span()).collect();
        let large = LARGE as u64 + 1;
        for shown in &of_answer {
            assert_eq!(made(3, *shown), [*shown]);
            assert_eq!(made(large, *shown), of_answer);
        }
        let of_span = Tab::ALL.iter().copied().find(|tab| tab.is_of_span()).unwrap();
        assert_eq!((made(3, of_span), made(large, of_span)), (Vec::new(), of_answer));
    }
}
