//! Model names as they are received → what to look up in the price table, the most specific first.
//!
//! One model has many names: `us.anthropic.claude-sonnet-4-5-20250929-v1:0`, the same in an ARN,
//! `bedrock/…`, `anthropic:claude-sonnet-4-5`, `models/gemini-2.5-flash`, `gpt-4o-2024-08-06`. The name as it
//! was received is always looked up first, because it is the most specific (a region has its own price).
//!
//! `:free` (it costs nothing) and `ft:` (tuned models cost more) are *not* taken off: the table has such names as they are,
//! or there is no price.

use genai_prices::Calculator;

/// Most bytes of a name that is looked up; no model has a longer one.
pub const LONGEST: usize = 256;

/// One look-up in the price table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// The provider's name in the table.
    pub provider: &'static str,
    pub model: String,
}

/// The look-ups for a model of a provider (as `dialects` names it), in order, each once.
pub fn lookups(provider: Option<&str>, model: &str) -> Vec<Lookup> {
    let model = model.trim();
    if model.is_empty() || model.len() > LONGEST {
        return Vec::new();
    }
    let mut lookups = Vec::new();
    let mut add = |provider: &'static str, forms: &[&str]| {
        for form in forms {
            let lookup = Lookup { provider, model: (*form).to_owned() };
            if !lookups.contains(&lookup) {
                lookups.push(lookup);
            }
        }
    };

    let given = provider.and_then(table_provider);
    let forms = forms(model);
    if let Some(provider) = given {
        add(provider, &forms);
    }
    // The provider in the name may be the right one: `anthropic/claude-…` through a gateway.
    if let Some((prefix, rest)) = prefixed(model) {
        add(prefix, &self::forms(rest));
    }
    let Some(bare) = forms.last() else { return lookups };
    if forms.iter().any(|form| is_bedrock(form)) {
        add("aws", &forms);
    }
    // Clients of gateways and proxies are often OpenAI's, so the provider "openai" may be wrong.
    if matches!(given, None | Some("openai"))
        && let Some(maker) = maker(bare)
    {
        add(maker, &forms);
    }
    lookups
}

/// Whether the requested name is one that a customer or a proxy gave, whatever it looks like: only the response tells
/// which model that is.
pub fn is_chosen(provider: Option<&str>, requested: &str) -> bool {
    const PLACES: &[&str] = &["azure", "az.ai", "litellm"];
    const NAMES: &[&str] = &["@preset/", ":prompt/", "application-inference-profile/", "custom-model-deployment/"];
    let provider = provider.map(str::to_ascii_lowercase).unwrap_or_default();
    PLACES.iter().any(|place| provider.starts_with(place)) || NAMES.iter().any(|name| requested.contains(name))
}

/// Whether two names are of one model, as far as their letters tell: without regions, providers, dates and versions.
pub fn is_same(left: &str, right: &str) -> bool {
    left == right || plainest(left) == plainest(right)
}

/// A name without all that can be taken off it, in lower case.
fn plainest(name: &str) -> String {
    let name = name.trim().to_ascii_lowercase();
    let bare = forms(&name).last().copied().unwrap_or(&name);
    // `anthropic.claude-…` at Bedrock; `…:free`, `…:thinking`.
    let bare = bare.split_once('.').filter(|_| is_bedrock(bare)).map_or(bare, |(_, model)| model);
    bare.split(':').next().unwrap_or(bare).to_owned()
}

/// The table's name of each provider, and its other names.
const PROVIDERS: &[(&str, &[&str])] = &[
    ("anthropic", &[]),
    (
        "aws",
        &["aws.bedrock", "aws_bedrock", "bedrock", "bedrock_converse", "amazon-bedrock", "amazon_bedrock", "amazon"],
    ),
    (
        "azure",
        &[
            "azure.ai.openai",
            "azure.ai.inference",
            "az.ai.openai",
            "az.ai.inference",
            "azure_openai",
            "azure-openai",
            "azure_ai",
            "azure-ai",
        ],
    ),
    ("cerebras", &[]),
    ("cohere", &[]),
    ("deepseek", &[]),
    ("fireworks", &["fireworks_ai", "fireworks-ai"]),
    ("github-copilot", &["github_copilot"]),
    (
        "google",
        &[
            "gcp.gemini",
            "gcp.vertex_ai",
            "gcp.gen_ai",
            "gemini",
            "vertex_ai",
            "vertexai",
            "google-vertex",
            "google-gla",
            "google_genai",
            "google_vertexai",
        ],
    ),
    ("groq", &[]),
    ("minimax", &[]),
    ("mistral", &["mistral_ai", "mistralai"]),
    ("moonshotai", &["moonshot", "moonshot_ai"]),
    ("openai", &["openai-chat", "openai-responses"]),
    ("openrouter", &[]),
    ("perplexity", &[]),
    ("together", &["together_ai", "together-ai"]),
    ("voyageai", &["voyage"]),
    ("x-ai", &["x_ai", "xai"]),
    ("zai", &["z_ai"]),
    ("zhipuai", &["zhipu"]),
];

/// The table's name for a provider: by the list above, by the part before a dot (`openai.chat`), by the table's rules.
fn table_provider(name: &str) -> Option<&'static str> {
    let name = name.trim();
    if name.is_empty() || name.len() > LONGEST {
        return None;
    }
    let stem = name.split_once('.').and_then(|(stem, _)| listed(stem));
    listed(name).or(stem).or_else(|| {
        let found = Calculator::bundled().find_provider(Some(name), None).ok().flatten()?;
        Some(found.id())
    })
}

fn listed(name: &str) -> Option<&'static str> {
    let is_name = |other: &str| other.eq_ignore_ascii_case(name);
    PROVIDERS
        .iter()
        .find(|(provider, others)| is_name(provider) || others.iter().any(|other| is_name(other)))
        .map(|(provider, _)| *provider)
}

/// The name, then with one part after another taken off.
fn forms(model: &str) -> Vec<&str> {
    let mut cores = vec![model];
    let mut core = model;
    for step in [last_of_path, without_prefix, without_region] {
        if let Some(shorter) = step(core) {
            cores.push(shorter);
            core = shorter;
        }
    }
    let mut forms = cores.clone();
    for core in cores {
        // `-20250929-v1:0` needs two steps, `…@20250514` one; none needs more than three.
        let plainer = std::iter::successors(Some(core), |name| plainer(name)).skip(1).take(3);
        forms.extend(plainer);
    }
    forms
}

/// `arn:aws:bedrock:…:inference-profile/us.anthropic.…`, `projects/…/publishers/google/models/gemini-…`, `models/…`.
fn last_of_path(name: &str) -> Option<&str> {
    let (path, last) = name.rsplit_once('/')?;
    let is_path = path.starts_with("arn:") || path.split('/').any(|part| part == "models");
    (is_path && !last.is_empty()).then_some(last)
}

fn without_prefix(name: &str) -> Option<&str> {
    prefixed(name).map(|(_, rest)| rest)
}

/// `openai/gpt-4o`, `anthropic:claude-…`. Only the listed names count: what stands before a colon is mostly no provider.
fn prefixed(name: &str) -> Option<(&'static str, &str)> {
    ['/', ':'].into_iter().find_map(|separator| {
        let (prefix, rest) = name.split_once(separator)?;
        Some((listed(prefix)?, rest)).filter(|_| !rest.is_empty())
    })
}

/// Takes off the `us.` of a Bedrock inference profile.
fn without_region(name: &str) -> Option<&str> {
    const REGIONS: &[&str] =
        &["us", "eu", "apac", "ap", "global", "us-gov", "jp", "au", "in", "uk", "sa", "ca", "me", "af", "il", "mx"];
    let (region, rest) = name.split_once('.')?;
    (REGIONS.contains(&region) && !rest.is_empty()).then_some(rest)
}

/// Takes off one suffix that is a version and no part of the model's name.
fn plainer(name: &str) -> Option<&str> {
    const WORDS: &[&str] = &[":latest", ":nitro", ":online", ":floor", "-latest"];
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());

    let at = name.split_once('@').map(|(model, _)| model);
    let word = || WORDS.iter().find_map(|word| name.strip_suffix(word));
    // `-v1:0`, `-v2`
    let version = || {
        let (model, version) = name.rsplit_once("-v")?;
        version.split(':').all(digits).then_some(model)
    };
    let date = || {
        let (model, last) = name.rsplit_once('-')?;
        match last.len() {
            // `-20250514`, `-0613`
            8 | 4 if digits(last) => Some(model),
            // `-2024-08-06`
            2 if digits(last) => {
                let (model, month) = model.rsplit_once('-')?;
                let (model, year) = model.rsplit_once('-')?;
                (digits(month) && month.len() == 2 && digits(year) && year.len() == 4).then_some(model)
            }
            _ => None,
        }
    };
    at.or_else(word).or_else(version).or_else(date).filter(|model| !model.is_empty())
}

/// Whether a name is in Bedrock's form, `vendor.model`.
fn is_bedrock(name: &str) -> bool {
    const VENDORS: &[&str] = &[
        "ai21",
        "amazon",
        "anthropic",
        "cohere",
        "deepseek",
        "google",
        "meta",
        "minimax",
        "mistral",
        "moonshot",
        "nvidia",
        "openai",
        "qwen",
        "writer",
        "zai",
    ];
    name.split_once('.').is_some_and(|(vendor, model)| VENDORS.contains(&vendor) && !model.is_empty())
}

/// The provider of a model, if only one provider has models of such a name.
fn maker(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let is = |starts: &[&str]| starts.iter().any(|start| name.starts_with(start));
    let openai_o = ["o1", "o3", "o4"]
        .iter()
        .any(|series| name.strip_prefix(series).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')));
    if is(&["claude-"]) {
        Some("anthropic")
    } else if is(&["gemini-"]) {
        Some("google")
    } else if is(&["grok-"]) {
        Some("x-ai")
    } else if openai_o || (is(&["gpt-", "chatgpt-", "text-embedding-3-", "text-embedding-ada-"]) && !is(&["gpt-oss"])) {
        Some("openai")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(provider: Option<&str>, model: &str) -> Vec<(&'static str, String)> {
        lookups(provider, model).into_iter().map(|lookup| (lookup.provider, lookup.model)).collect()
    }

    #[test]
    fn a_name_is_asked_for_as_it_came_before_anything_is_taken_off() {
        let model = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
        let found = asked(Some("aws.bedrock"), model);
        assert_eq!(found[0], ("aws", model.to_owned()));
        assert_eq!(found[1], ("aws", model[3..].to_owned()));
        assert!(found.contains(&("aws", "anthropic.claude-sonnet-4-5".to_owned())));
    }

    #[test]
    fn a_model_is_found_in_arns_paths_and_behind_prefixes() {
        for (model, inner) in [
            ("arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-lite-v1:0", "us.amazon.nova-lite-v1:0"),
            ("projects/p/locations/l/publishers/google/models/gemini-2.5-flash", "gemini-2.5-flash"),
            ("models/gemini-2.5-flash", "gemini-2.5-flash"),
            ("google-gla:gemini-2.5-flash", "gemini-2.5-flash"),
            ("Bedrock/us.amazon.nova-lite-v1:0", "amazon.nova-lite"),
            ("claude-sonnet-4@20250514", "claude-sonnet-4"),
            ("gpt-4o-2024-08-06", "gpt-4o"),
            ("gpt-4-0613", "gpt-4"),
            ("claude-3-5-haiku-latest", "claude-3-5-haiku"),
        ] {
            assert!(forms(model).contains(&inner), "{model}: {:?}", forms(model));
        }
    }

    #[test]
    fn a_name_that_leaves_no_doubt_is_enough() {
        assert_eq!(asked(None, "gpt-4o-mini")[0].0, "openai");
        assert_eq!(asked(Some("some-gateway"), "claude-sonnet-4-5")[0].0, "anthropic");
        assert_eq!(asked(None, "eu.meta.llama3-3-70b-instruct-v1:0")[0].0, "aws");
        assert_eq!(asked(Some("openai"), "anthropic/claude-sonnet-4-5").last().unwrap().0, "anthropic");
    }

    #[test]
    fn what_anyone_may_host_is_not_priced_by_its_name() {
        for model in ["gpt-oss:20b", "deepseek-r1:8b", "llama3.2", "qwen3:4b", "o1js"] {
            assert_eq!(asked(Some("ollama"), model), [], "{model}");
        }
    }

    #[test]
    fn names_of_one_model_are_known_as_such() {
        for (left, right) in [
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
            ("gpt-4o", "gpt-4o-2024-08-06"),
            ("models/gemini-2.5-flash", "gemini-2.5-flash"),
            ("claude-3-7-sonnet-latest", "claude-3-7-sonnet-20250219"),
            ("deepseek/deepseek-r1:free", "deepseek-r1"),
            ("meta-llama/Llama-3.3-70B", "meta-llama/llama-3.3-70b"),
        ] {
            assert!(is_same(left, right), "{left} {right}");
        }
        for (left, right) in [("gpt-4o", "gpt-4o-mini"), ("fast", "gpt-4o"), ("claude-sonnet-4", "claude-sonnet-4-5")] {
            assert!(!is_same(left, right), "{left} {right}");
        }
    }

    #[test]
    fn what_makes_a_model_cheaper_or_dearer_stays_on_it() {
        assert_eq!(forms("deepseek/deepseek-r1:free"), ["deepseek/deepseek-r1:free", "deepseek-r1:free"]);
        assert!(forms("ft:gpt-4o-mini:acme::1").iter().all(|form| form.starts_with("ft:")));
    }

    #[test]
    fn every_listed_provider_is_in_the_table() {
        for (provider, _) in PROVIDERS {
            let found = Calculator::bundled().providers().any(|known| known.id() == *provider);
            assert!(found, "{provider}");
        }
        assert_eq!(table_provider("openai.chat"), Some("openai"));
        assert_eq!(table_provider("azure-openai.responses"), Some("azure"));
        assert_eq!(table_provider("ollama"), None);
    }

    #[test]
    fn odd_names_are_no_trouble() {
        for name in ["", " ", "/", ":", "@", "-", "a/", "openai/", "us.", "-v", "-v1:0", "é-２０２５-01-01", "a.b.c.d"]
        {
            lookups(Some(name), name);
            lookups(None, name);
        }
        assert_eq!(lookups(None, &"gpt-4".repeat(1000)), []);
    }
}
