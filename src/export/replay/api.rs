//! Who is called, and how.

use crate::model::ModelCall;

/// The way in which a provider is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// Bedrock's `Converse`.
    Converse,
    /// Anthropic's `messages`.
    Messages,
    /// OpenAI's `chat/completions`, which others take as well.
    Chat(Chat),
}

/// Where `chat/completions` is, and the variable that holds the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chat {
    /// For a shell, within quotation marks.
    base: &'static str,
    /// `None`: OpenAI's own, which its library knows.
    python: Option<&'static str>,
    key: &'static str,
}

const OPENAI: Chat = Chat { base: "https://api.openai.com/v1", python: None, key: "OPENAI_API_KEY" };

/// A provider whose address nobody here knows.
const UNKNOWN: Chat = Chat { base: "${BASE_URL:?}", python: Some(r#"os.environ["BASE_URL"]"#), key: "API_KEY" };

/// Providers that take `chat/completions`, by a word in their name.
const CHATS: &[(&str, Chat)] = &[
    (
        "azure",
        Chat {
            base: "${AZURE_OPENAI_ENDPOINT:?}/openai/v1",
            python: Some(r#"os.environ["AZURE_OPENAI_ENDPOINT"] + "/openai/v1/""#),
            key: "AZURE_OPENAI_API_KEY",
        },
    ),
    ("openai", OPENAI),
    (
        "groq",
        Chat {
            base: "https://api.groq.com/openai/v1",
            python: Some(r#""https://api.groq.com/openai/v1""#),
            key: "GROQ_API_KEY",
        },
    ),
    (
        "mistral",
        Chat {
            base: "https://api.mistral.ai/v1",
            python: Some(r#""https://api.mistral.ai/v1""#),
            key: "MISTRAL_API_KEY",
        },
    ),
    (
        "deepseek",
        Chat {
            base: "https://api.deepseek.com/v1",
            python: Some(r#""https://api.deepseek.com/v1""#),
            key: "DEEPSEEK_API_KEY",
        },
    ),
    (
        "together",
        Chat {
            base: "https://api.together.xyz/v1",
            python: Some(r#""https://api.together.xyz/v1""#),
            key: "TOGETHER_API_KEY",
        },
    ),
    (
        "openrouter",
        Chat {
            base: "https://openrouter.ai/api/v1",
            python: Some(r#""https://openrouter.ai/api/v1""#),
            key: "OPENROUTER_API_KEY",
        },
    ),
    ("x_ai", Chat { base: "https://api.x.ai/v1", python: Some(r#""https://api.x.ai/v1""#), key: "XAI_API_KEY" }),
    ("xai", Chat { base: "https://api.x.ai/v1", python: Some(r#""https://api.x.ai/v1""#), key: "XAI_API_KEY" }),
    (
        "ollama",
        Chat {
            base: "http://localhost:11434/v1",
            python: Some(r#""http://localhost:11434/v1""#),
            key: "OLLAMA_API_KEY",
        },
    ),
    ("gemini", GOOGLE),
    ("google", GOOGLE),
    ("gcp", GOOGLE),
];

const GOOGLE: Chat = Chat {
    base: "https://generativelanguage.googleapis.com/v1beta/openai",
    python: Some(r#""https://generativelanguage.googleapis.com/v1beta/openai/""#),
    key: "GEMINI_API_KEY",
};

impl Api {
    /// By the call's provider; where that is not known, by its model's name.
    pub fn of(call: &ModelCall) -> Self {
        let provider = call.provider.as_deref().unwrap_or_default().to_lowercase();
        if let Some(api) = Self::of_provider(&provider) {
            return api;
        }
        let model = call.model.as_deref().unwrap_or_default().to_lowercase();
        let begins = |beginnings: &[&str]| beginnings.iter().any(|beginning| model.starts_with(beginning));
        match () {
            () if !provider.is_empty() => Self::Chat(UNKNOWN),
            () if begins(&["anthropic.", "us.", "eu.", "apac.", "global.", "amazon.", "meta."]) => Self::Converse,
            () if begins(&["claude"]) => Self::Messages,
            () if begins(&["gemini"]) => Self::Chat(GOOGLE),
            () if begins(&["gpt", "o1", "o3", "o4", "chatgpt"]) => Self::Chat(OPENAI),
            () => Self::Chat(UNKNOWN),
        }
    }

    fn of_provider(provider: &str) -> Option<Self> {
        if provider.contains("bedrock") || provider == "aws" {
            return Some(Self::Converse);
        }
        if provider.contains("anthropic") {
            return Some(Self::Messages);
        }
        CHATS.iter().find(|(word, _)| provider.contains(word)).map(|(_, chat)| Self::Chat(*chat))
    }

    /// The address for a shell, quoted.
    pub fn url(self, model: &str) -> String {
        match self {
            Self::Converse => format!(
                r#""https://bedrock-runtime.${{AWS_REGION:-us-east-1}}.amazonaws.com/model/{}/converse""#,
                escaped(model)
            ),
            Self::Messages => "https://api.anthropic.com/v1/messages".to_owned(),
            Self::Chat(Chat { base, .. }) => format!(r#""{base}/chat/completions""#),
        }
    }

    /// What identifies the caller, as options of curl that name variables.
    pub fn options(self) -> Vec<String> {
        match self {
            Self::Converse => vec![
                r#"--aws-sigv4 "aws:amz:${AWS_REGION:-us-east-1}:bedrock""#.to_owned(),
                r#"--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY""#.to_owned(),
                // Without a session's token curl leaves the header out.
                r#"-H "x-amz-security-token: $AWS_SESSION_TOKEN""#.to_owned(),
            ],
            Self::Messages => vec![
                r#"-H "x-api-key: $ANTHROPIC_API_KEY""#.to_owned(),
                "-H 'anthropic-version: 2023-06-01'".to_owned(),
            ],
            Self::Chat(Chat { key, .. }) => vec![format!(r#"-H "Authorization: Bearer ${key}""#)],
        }
    }

    /// What stands before and after the request in a program.
    pub fn program(self) -> (String, String) {
        match self {
            Self::Converse => (
                "import boto3\n\nclient = boto3.client(\"bedrock-runtime\")\n".to_owned(),
                "\nresponse = client.converse(**request)\nprint(response[\"output\"][\"message\"])".to_owned(),
            ),
            Self::Messages => (
                "import anthropic\n\nclient = anthropic.Anthropic()  # reads ANTHROPIC_API_KEY\n".to_owned(),
                "\nresponse = client.messages.create(**request)\nprint(response.content)".to_owned(),
            ),
            Self::Chat(Chat { python, key, .. }) => {
                let head = match python {
                    None => format!("from openai import OpenAI\n\nclient = OpenAI()  # reads {key}\n"),
                    Some(base) => format!(
                        "import os\n\nfrom openai import OpenAI\n\nclient = OpenAI(base_url={base}, api_key=os.environ[\"{key}\"])\n"
                    ),
                };
                let tail = "\nresponse = client.chat.completions.create(**request)\nprint(response.choices[0].message)";
                (head, tail.to_owned())
            }
        }
    }
}

/// A text as a part of an address: no sign of a shell is left in it.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex::encode_upper([byte]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{SpanId, Timestamp};

    fn api(provider: Option<&str>, model: &str) -> Api {
        Api::of(&ModelCall {
            provider: provider.map(str::to_owned),
            model: Some(model.to_owned()),
            ..ModelCall::sample(SpanId::from_bytes(&[1; 8]).unwrap(), Timestamp(1))
        })
    }

    #[test]
    fn a_provider_is_known_by_its_name_else_by_its_model() {
        assert_eq!(api(Some("aws.bedrock"), "openai.gpt-oss"), Api::Converse);
        assert_eq!(api(Some("azure.ai.openai"), "gpt-4o"), Api::Chat(CHATS[0].1));
        assert_eq!(api(None, "claude-opus-4"), Api::Messages);
        assert_eq!(api(None, "us.anthropic.claude-opus-4-v1:0"), Api::Converse);
        assert_eq!(api(Some("somebody"), "gpt-4o"), Api::Chat(UNKNOWN));
        assert_eq!(api(Some("openai"), "gpt-4o"), Api::Chat(OPENAI));
    }
}
