//! `opik`: what Opik's users write beside the conventions of the instrumentations that it collects (`sdks.md` 19).

use super::{Dialect, FactRow, Field, How, Rank};

pub const DIALECT: Dialect = Dialect {
    name: "opik",
    ai_keys: &["opik."],
    facts: &[
        FactRow::of(Field::Session, How::Id, &["opik.thread_id"]).ranked(Rank::Last),
        FactRow::of(Field::User, How::Id, &["opik.user.id"]).ranked(Rank::Last),
    ],
    tags: &["opik.tags"],
    metadata: &["opik.metadata"],
    session_metadata: &["opik.thread_id"],
    ..Dialect::PLAIN
};

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;

    #[test]
    fn a_thread_is_a_session_also_in_the_metadata_of_an_agent() {
        let read = Sample::span("turn").with(&[("opik.thread_id", "t1"), ("opik.tags", "a,b")]).translate();
        assert_eq!(
            (read.context.session.as_deref(), read.context.tags),
            (Some("t1"), vec!["a".to_owned(), "b".to_owned()])
        );
        let agent = Sample::span("agent run").scope("pydantic-ai").with(&[("metadata", r#"{"opik.thread_id":"t2"}"#)]);
        assert_eq!(agent.translate().context.session.as_deref(), Some("t2"));
    }
}
