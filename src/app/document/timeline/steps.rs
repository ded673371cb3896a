//! The steps of a run as the tree shows them, with their times: what each took by itself, and which went on at once.

use std::time::Duration;

use crate::app::browse;
use crate::app::document::Stretch;
use crate::app::document::hash::HashMap;
use crate::model::{AssembledTrace, Category, Node, NodeState, SpanId};

/// One step of a run: a span that the tree does not fold away. All times are nanoseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its place among the nodes of the tree.
    pub node: usize,
    /// How many steps it lies in.
    pub depth: usize,
    /// The place of the step that it lies in.
    pub parent: Option<usize>,
    pub from: u64,
    /// `None` while it goes on.
    pub until: Option<u64>,
    /// Its sender gave no time, and nothing beneath it has one.
    pub timeless: bool,
    pub work: Work,
    /// How long a model took to its first token, in nanoseconds.
    pub first_token: Option<u64>,
    /// How long steps beneath it took, up to `alone_until`; what goes on at once is counted once.
    pub covered: u64,
    /// When it last did something by itself that is not followed by a step that goes on; `None` while it may.
    pub alone_until: Option<u64>,
    /// Another step of the same parent went on at the same time.
    pub beside: bool,
}

/// What a step does, as far as the time is shared out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    Model,
    Tool,
    /// It has steps that work, or does something else.
    Other,
}

impl Step {
    /// When it ended, or the moment up to which it is known to go on.
    pub fn end(&self, now: u64) -> u64 {
        self.until.unwrap_or(now).max(self.from)
    }

    pub fn stretch(&self, now: u64) -> Stretch {
        Stretch { from: self.from, until: self.end(now) }
    }

    /// How long it took without the steps beneath it; `None` where no time is known.
    pub fn alone(&self, now: u64) -> Option<Duration> {
        let until = self.alone_until.unwrap_or_else(|| self.end(now));
        let alone = until.saturating_sub(self.from).saturating_sub(self.covered);
        (!self.timeless).then_some(Duration::from_nanos(alone))
    }
}

/// The steps of a run, in the order of the tree, and which lie in which.
pub fn steps(trace: &AssembledTrace) -> (Vec<Step>, Families) {
    let nodes = &trace.tree.nodes;
    let mut first_tokens: HashMap<SpanId, u64> = HashMap::default();
    let first_token = |ttft: Duration| u64::try_from(ttft.as_nanos()).ok();
    first_tokens.extend(trace.calls.iter().filter_map(|call| Some((call.span, first_token(call.ttft?)?))));
    let hidden = browse::hidden(nodes);
    let mut steps: Vec<Step> = Vec::with_capacity(nodes.len());
    // The steps that the next one may lie in: depth of the node, place of the step.
    let mut above: Vec<(usize, usize)> = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        // Also one that is folded away ends what stands before it: what it holds lies in what it lies in itself.
        while above.last().is_some_and(|(depth, _)| *depth >= node.depth) {
            above.pop();
        }
        if hidden[at] {
            continue;
        }
        let parent = above.last().map(|(_, step)| *step);
        steps.push(Step { first_token: first_tokens.get(&node.id).copied(), ..step(at, node, above.len(), parent) });
        above.push((node.depth, steps.len() - 1));
    }
    stand_ins(&mut steps, nodes);
    find_work(&mut steps, nodes);
    let families = Families::of(&steps);
    for parent in std::iter::once(None).chain((0..steps.len()).map(Some)) {
        look_at_siblings(&mut steps, families.beneath(parent));
    }
    (steps, families)
}

fn step(at: usize, node: &Node, depth: usize, parent: Option<usize>) -> Step {
    let timeless = node.started.known().is_none();
    let until = match node.state {
        NodeState::Missing => Some(node.started.0),
        NodeState::Ok | NodeState::Error | NodeState::Running => node.ended.map(|ended| ended.0.max(node.started.0)),
    };
    Step {
        node: at,
        depth,
        parent,
        from: node.started.0,
        until: if timeless { Some(0) } else { until },
        timeless,
        work: Work::Other,
        first_token: None,
        covered: 0,
        alone_until: until,
        beside: false,
    }
}

/// What stands for a span that has not come takes the time of what is beneath it.
fn stand_ins(steps: &mut [Step], nodes: &[Node]) {
    for at in (0..steps.len()).rev() {
        let Some(parent) = steps[at].parent.filter(|_| !steps[at].timeless) else { continue };
        if nodes[steps[parent].node].state != NodeState::Missing {
            continue;
        }
        let (from, until) = (steps[at].from, steps[at].until);
        let parent = &mut steps[parent];
        let first = std::mem::replace(&mut parent.timeless, false);
        parent.from = if first { from } else { parent.from.min(from) };
        parent.until = if first { until } else { parent.until.zip(until).map(|(a, b)| a.max(b)) };
        parent.alone_until = parent.until;
    }
}

/// Which steps are a model's or a tool's work. A call that was not counted is one only where nothing in it is: it may be
/// a second record around one that was.
fn find_work(steps: &mut [Step], nodes: &[Node]) {
    let mut works_beneath = vec![false; steps.len()];
    for at in (0..steps.len()).rev() {
        let node = &nodes[steps[at].node];
        steps[at].work = match node.category {
            _ if steps[at].timeless || node.state == NodeState::Missing => Work::Other,
            _ if node.turn.is_some() => Work::Model,
            category if category.is_call() && !works_beneath[at] => Work::Model,
            Category::Tool | Category::Retriever => Work::Tool,
            _ => Work::Other,
        };
        if let Some(parent) = steps[at].parent {
            works_beneath[parent] |= works_beneath[at] || steps[at].work != Work::Other;
        }
    }
}

/// The steps by their parents, those of one parent in order of start. One list for all of them, as there may be many.
#[derive(Debug)]
pub struct Families {
    members: Vec<usize>,
    /// Where those of each parent begin in `members`: first those without one, then those of each step; last the end.
    starts: Vec<usize>,
}

impl Families {
    pub fn of(steps: &[Step]) -> Self {
        let family = |step: &Step| step.parent.map_or(0, |parent| parent + 1);
        let timed = || steps.iter().enumerate().filter(|(_, step)| !step.timeless);
        let mut starts = vec![0; steps.len() + 2];
        for (_, step) in timed() {
            starts[family(step) + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut members = vec![0; next.last().copied().unwrap_or_default()];
        for (at, step) in timed() {
            let place = &mut next[family(step)];
            members[*place] = at;
            *place += 1;
        }
        for bounds in starts.windows(2) {
            let family = &mut members[bounds[0]..bounds[1]];
            // Those of a span that is folded away may start before the ones that came before them.
            if !family.is_sorted_by_key(|at| steps[*at].from) {
                family.sort_by_key(|at| steps[*at].from);
            }
        }
        Self { members, starts }
    }

    /// The steps that lie right in a step; `None`: in no other one.
    pub fn beneath(&self, parent: Option<usize>) -> &[usize] {
        let family = parent.map_or(0, |parent| parent + 1);
        &self.members[self.starts[family]..self.starts[family + 1]]
    }
}

/// What siblings cover of their parent's time, and which of them went on at once.
fn look_at_siblings(steps: &mut [Step], siblings: &[usize]) {
    let Some(first) = siblings.first() else { return };
    let parent = steps[*first].parent;
    let within = parent.map_or((0, None), |parent| (steps[parent].from, steps[parent].until));
    let (mut covered, mut covered_until) = (0, within.0);
    let mut goes_on = None;
    // Of those before, the one that ends last.
    let mut longest: Option<usize> = None;
    for &at in siblings {
        let step = &steps[at];
        let limit = within.1.unwrap_or(u64::MAX);
        let from = step.from.max(covered_until).min(limit);
        match step.until {
            None if goes_on.is_none() => goes_on = Some(from),
            Some(until) if goes_on.is_none() && until.min(limit) > from => {
                covered += until.min(limit) - from;
                covered_until = until.min(limit);
            }
            _ => {}
        }
        if let Some(before) = longest.filter(|before| overlap(&steps[*before], step)) {
            (steps[before].beside, steps[at].beside) = (true, true);
        }
        let end = |at: usize| steps[at].until.unwrap_or(u64::MAX);
        if longest.is_none_or(|before| end(before) < end(at)) {
            longest = Some(at);
        }
    }
    if let Some(parent) = parent {
        steps[parent].covered = covered;
        if let Some(from) = goes_on {
            steps[parent].alone_until = Some(from);
        }
    }
}

/// Whether two steps, the first of which started first, went on at once: for more than a tenth of the shorter one, since
/// clocks differ, and who hands over is seldom exact.
fn overlap(first: &Step, second: &Step) -> bool {
    let (one, other) = (first.until.unwrap_or(u64::MAX), second.until.unwrap_or(u64::MAX));
    let common = one.min(other).saturating_sub(second.from);
    let shorter = (one - first.from).min(other.saturating_sub(second.from));
    common > shorter / 10
}
