//! `semantic-kernel`: what Microsoft's Semantic Kernel for Python writes beside the conventions (`sdks.md` 10).
//!
//! ```text
//!   AutoFunctionInvocationLoop   sk.available_functions = "math-add,math-subtract"
//!   └ chat m    log records      gen_ai.{system,user,…}.message, gen_ai.choice        read by gen_ai_events.rs
//!   │                            gen_ai.prompt, its body the text that is to be completed
//!   │                            "OpenAI usage: CompletionUsage(prompt_tokens=9, …, cached_tokens=4, …)"
//!   └ execute_tool math-add      the conventions
//! ```
//!
//! The span of a call has neither its cached tokens nor those of its reasoning: only that line has them.

use super::{Dialect, Framework, RecordingHints, category, definitions, parts, reading, token_counts};
use crate::model::{Carrier, Category, ContentKind, Reported, Role, Source, Translation, Value};

pub const DIALECT: Dialect = Dialect {
    name: "semantic-kernel",
    content: ContentKind::Conversation,
    matches,
    translate,
    unstated_category: Some(unstated_category),
    is_plumbing: Some(|source| {
        source.scope.name.starts_with("semantic_kernel") && source.name == "AutoFunctionInvocationLoop"
    }),
    frameworks: &[Framework {
        label: "semantic-kernel",
        rank: 310,
        scopes: &["Microsoft.SemanticKernel", "semantic_kernel"],
        keys: &["semantic_kernel."],
        ..Framework::PLAIN
    }],
    recording_hints: HINTS,
    ..Dialect::PLAIN
};

const HINTS: &[RecordingHints] = &[
    RecordingHints {
        scopes: &["Microsoft.SemanticKernel"],
        messages: "AppContext.SetSwitch(\"Microsoft.SemanticKernel.Experimental.GenAI.EnableOTelDiagnosticsSensitive\", \
            true)",
        ..RecordingHints::ANY
    },
    RecordingHints {
        scopes: &["semantic_kernel"],
        framework: "semantic-kernel",
        messages: "set SEMANTICKERNEL_EXPERIMENTAL_GENAI_ENABLE_OTEL_DIAGNOSTICS_SENSITIVE=true before it is imported",
        ..RecordingHints::ANY
    },
];

fn unstated_category(source: &Source) -> Option<Category> {
    category::by_scope_and_name(source, &[("semantic_kernel", "AutoFunctionInvocationLoop", Category::Chain)])
}

const FUNCTIONS: &str = "sk.available_functions";
const PROMPT: &str = "gen_ai.prompt";
const USAGE: &str = "OpenAI usage: CompletionUsage(";

fn matches(source: &Source) -> bool {
    source.scope.name.starts_with("semantic_kernel") && (source.is_log() || source.attributes.has(FUNCTIONS))
}

fn translate(source: &Source, into: &mut Translation) {
    if let Some(names) = source.attributes.str(FUNCTIONS) {
        let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
        definitions::read(&Value::Array(names.map(Value::from).collect()), &mut into.tools);
    }
    let Some(text) = source.body.and_then(Value::as_str) else { return };
    if source.name == PROMPT {
        let prompt = reading::from_parts(Role::User, parts::text(text).into_iter().collect());
        reading::push(into, DIALECT.name, (Carrier::Log, Some(source.at)), prompt, vec![]);
    } else if let Some(counted) = text.strip_prefix(USAGE) {
        usage(counted, &mut into.genai.reported);
    }
}

/// The tokens of a call as Python prints them, the details of both sides in it.
fn usage(printed: &str, reported: &mut Reported) {
    token_counts::read(&token_counts::printed(printed), reported);
    // OpenAI's own numbers.
    reported.convention.cache_in_input = Some(true);
    reported.convention.reasoning_in_output = Some(true);
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};

    const SCOPE: &str = "semantic_kernel.connectors.ai.open_ai.services.open_ai_handler";

    #[test]
    fn the_line_of_a_calls_tokens_has_the_details() {
        let line = "OpenAI usage: CompletionUsage(completion_tokens=87, prompt_tokens=312, total_tokens=399, \
            completion_tokens_details=CompletionTokensDetails(accepted_prediction_tokens=0, audio_tokens=0, \
            reasoning_tokens=41, rejected_prediction_tokens=0), prompt_tokens_details=PromptTokensDetails(audio_tokens=0, \
            cached_tokens=256))";
        let usage = Sample::log("", line).scope(SCOPE).translate().genai.usage.unwrap();
        assert_eq!((usage.uncached_input, usage.cache_read), (Some(56), Some(256)));
        assert_eq!((usage.output, usage.reasoning), (Some(87), Some(41)));
        for line in ["OpenAI usage: CompletionUsage(", "OpenAI usage: None", "Function m-add invoking."] {
            assert_eq!(Sample::log("", line).scope(SCOPE).translate().genai.usage, None, "{line}");
        }
    }

    #[test]
    fn a_text_that_is_to_be_completed_stays_the_text_that_it_is() {
        for prompt in ["Once upon a time", r#"{"a":1}"#, "4"] {
            let read = Sample::log("gen_ai.prompt", &format!("{prompt:?}")).scope("semantic_kernel.utils").translate();
            assert_eq!(sides(&read), (vec![format!("user: {prompt}")], vec![]));
        }
        let choice = r#"{"message":{"type":"text","text":"there was."}}"#;
        let read = Sample::log("gen_ai.choice", choice).scope("semantic_kernel.utils").translate();
        assert_eq!(sides(&read).1, ["assistant: there was."]);
    }

    #[test]
    fn a_loop_lists_the_functions_that_the_model_may_call() {
        let read = Sample::span("AutoFunctionInvocationLoop")
            .scope("semantic_kernel.connectors.ai.chat_completion_client_base")
            .with(&[("sk.available_functions", "math-add,math-subtract")])
            .translate();
        let names: Vec<_> = read.tools.iter().map(|tool| tool.name.as_str()).collect();
        assert_eq!(names, ["math-add", "math-subtract"]);
        assert_eq!(read.genai.category, crate::model::Category::Chain);
    }
}
