//! `weave`: what Weave's users write beside the conventions, which its SDK follows (`sdks.md` 19).

use super::{Dialect, FactRow, Field, Framework, How, Rank};

pub const DIALECT: Dialect = Dialect {
    name: "weave",
    ai_keys: &["wandb.", "weave."],
    facts: &[FactRow::of(Field::Session, How::Id, &["wandb.thread_id"]).ranked(Rank::Last)],
    frameworks: &[Framework { label: "weave", rank: 411, keys: &["wandb.", "weave."], ..Framework::PLAIN }],
    ..Dialect::PLAIN
};

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;

    #[test]
    fn a_thread_is_a_session_unless_a_conversation_is_named() {
        let span = || Sample::span("turn").with(&[("wandb.thread_id", "t1"), ("wandb.is_turn", "true")]);
        let read = span().translate();
        assert_eq!(read.context.session.as_deref(), Some("t1"));
        assert_eq!(read.context.framework.as_deref(), Some("weave"));
        let named = span().with(&[("gen_ai.conversation.id", "c1")]).translate();
        assert_eq!(named.context.session.as_deref(), Some("c1"));
    }
}
