//! `OpenCode`, whose model calls the Vercel AI SDK records (`sdks.md` 19): only its label is its own.

use super::{Dialect, Framework};
use crate::model::Source;

pub const DIALECT: Dialect = Dialect {
    name: "opencode",
    frameworks: &[Framework { label: "opencode", rank: 41, is_of: Some(is_opencode), ..Framework::PLAIN }],
    ..Dialect::PLAIN
};

fn is_opencode(source: &Source) -> bool {
    source.resource.attributes.has_prefix("opencode.")
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;

    #[test]
    fn its_resource_says_who_it_is() {
        let span = Sample::span("ai.streamText").scope("ai").with(&[("ai.operationId", "ai.streamText")]);
        let read = span.resource(&[("opencode.client", "cli"), ("service.name", "opencode")]).translate();
        assert_eq!(read.context.framework.as_deref(), Some("opencode"));
    }
}
