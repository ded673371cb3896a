//! Who billed: the many names of each provider → one. Frameworks that put their own name there are no providers.

use super::framework;

/// What a provider attribute names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    Provider(String),
    /// A framework's label: the provider has to be found in something else.
    Framework(&'static str),
}

const CANONICAL: &[(&str, &[&str])] = &[
    ("openai", &["openai"]),
    ("azure.ai.openai", &["azure.ai.openai", "az.ai.openai", "azure_openai", "azure.openai", "azure-openai", "azure"]),
    ("azure.ai.inference", &["azure.ai.inference", "az.ai.inference", "azure_ai", "azure-ai"]),
    (
        "aws.bedrock",
        &[
            "aws.bedrock",
            "aws_bedrock",
            "aws",
            "amazon-bedrock",
            "amazon_bedrock",
            "bedrock",
            "bedrock_converse",
            "amazon",
        ],
    ),
    ("anthropic", &["anthropic"]),
    ("gcp.gemini", &["gcp.gemini", "gemini", "google_genai", "google.genai", "google_ai_studio", "googleai"]),
    (
        "gcp.vertex_ai",
        &["gcp.vertex_ai", "vertex_ai", "google-vertex", "google.vertex", "vertexai", "vertex", "google_vertexai"],
    ),
    ("gcp.gen_ai", &["gcp.gen_ai", "google", "google-gla"]),
    ("cohere", &["cohere"]),
    ("mistral_ai", &["mistral_ai", "mistral", "mistralai"]),
    ("groq", &["groq"]),
    ("deepseek", &["deepseek"]),
    ("x_ai", &["x_ai", "xai"]),
    ("perplexity", &["perplexity"]),
    ("ibm.watsonx.ai", &["ibm.watsonx.ai", "watsonx"]),
    ("moonshot_ai", &["moonshot_ai", "moonshot", "moonshotai"]),
];

/// Reads a provider attribute. Vercel's carry what they called: `openai.chat`, `google.generative-ai`.
pub fn named(word: &str) -> Option<Named> {
    let word = word.trim().to_ascii_lowercase();
    if word.is_empty() || word == "unknown" || word == "_other" {
        return None;
    }
    if let Some(label) = framework::of_provider(&word) {
        return Some(Named::Framework(label));
    }
    let canonical = |word: &str| CANONICAL.iter().find(|(_, names)| names.contains(&word)).map(|(name, _)| *name);
    let parts = |count: usize| word.match_indices('.').nth(count - 1).map_or(word.as_str(), |(at, _)| &word[..at]);
    let name = canonical(&word).or_else(|| canonical(parts(2))).or_else(|| canonical(parts(1)));
    Some(Named::Provider(name.map_or_else(|| parts(1).to_owned(), str::to_owned)))
}

/// The provider that answers at an address: a host, or a URL.
pub fn of_address(address: &str) -> Option<&'static str> {
    const HOSTS: &[(&str, &str)] = &[
        ("api.anthropic.com", "anthropic"),
        (".openai.azure.com", "azure.ai.openai"),
        ("api.openai.com", "openai"),
        ("generativelanguage.googleapis.com", "gcp.gemini"),
        ("aiplatform.googleapis.com", "gcp.vertex_ai"),
        ("api.groq.com", "groq"),
        ("api.deepseek.com", "deepseek"),
        ("api.x.ai", "x_ai"),
        ("api.mistral.ai", "mistral_ai"),
        ("api.perplexity.ai", "perplexity"),
        ("api.cohere.com", "cohere"),
        ("api.moonshot.", "moonshot_ai"),
    ];
    if address.contains("bedrock") && address.contains(".amazonaws.com") {
        return Some("aws.bedrock");
    }
    HOSTS.iter().find(|(host, _)| address.contains(host)).map(|(_, provider)| *provider)
}

/// The provider whose models are called so.
pub fn of_model(model: &str) -> Option<&'static str> {
    const FAMILIES: &[(&str, &str)] = &[
        ("gpt-", "openai"),
        ("chatgpt-", "openai"),
        ("o1", "openai"),
        ("o3", "openai"),
        ("o4", "openai"),
        ("text-embedding-", "openai"),
        ("claude-", "anthropic"),
        ("gemini-", "gcp.gemini"),
        ("mistral-", "mistral_ai"),
        ("codestral", "mistral_ai"),
        ("command-", "cohere"),
        ("deepseek-", "deepseek"),
        ("grok-", "x_ai"),
        ("sonar", "perplexity"),
    ];
    if is_bedrock_id(model) {
        return Some("aws.bedrock");
    }
    // `openai/gpt-4o`, `models/gemini-2.0-flash`
    let name = model.rsplit('/').next().unwrap_or(model);
    FAMILIES.iter().find(|(start, _)| name.starts_with(start)).map(|(_, provider)| *provider)
}

/// `us.anthropic.claude-sonnet-4-5-20250929-v1:0`, `amazon.nova-lite-v1:0`, an ARN.
fn is_bedrock_id(model: &str) -> bool {
    const MAKERS: &[&str] = &[
        "anthropic.",
        "amazon.",
        "meta.",
        "mistral.",
        "cohere.",
        "ai21.",
        "deepseek.",
        "stability.",
        "qwen.",
        "openai.",
    ];
    const REGIONS: &[&str] =
        &["us.", "eu.", "apac.", "ap.", "global.", "us-gov.", "jp.", "au.", "sa.", "ca.", "me.", "af.", "il.", "mx."];
    let plain = REGIONS.iter().find_map(|region| model.strip_prefix(region)).unwrap_or(model);
    MAKERS.iter().any(|maker| plain.starts_with(maker)) || model.starts_with("arn:aws:bedrock:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_many_names_of_a_provider_are_one() {
        for (word, expected) in [
            ("aws_bedrock", "aws.bedrock"),
            ("AWS", "aws.bedrock"),
            ("OpenAI", "openai"),
            ("openai.chat", "openai"),
            ("anthropic.messages", "anthropic"),
            ("google.generative-ai", "gcp.gen_ai"),
            ("google.vertex.chat", "gcp.vertex_ai"),
            ("az.ai.openai", "azure.ai.openai"),
            ("gcp.gemini", "gcp.gemini"),
            ("mistralai", "mistral_ai"),
            ("ollama", "ollama"),
        ] {
            assert_eq!(named(word), Some(Named::Provider(expected.to_owned())), "{word}");
        }
        assert_eq!(named("strands-agents"), Some(Named::Framework("strands")));
        assert_eq!(named(" "), None);
    }

    #[test]
    fn an_address_or_a_model_identifies_the_provider() {
        assert_eq!(of_address("bedrock-runtime.us-east-1.amazonaws.com"), Some("aws.bedrock"));
        assert_eq!(of_address("https://api.anthropic.com/v1"), Some("anthropic"));
        assert_eq!(of_address("127.0.0.1"), None);
        assert_eq!(of_model("us.anthropic.claude-sonnet-4-5-20250929-v1:0"), Some("aws.bedrock"));
        assert_eq!(of_model("claude-sonnet-4-5"), Some("anthropic"));
        assert_eq!(of_model("openai/gpt-4o-mini"), Some("openai"));
        assert_eq!(of_model("my-model"), None);
    }
}
