//! The token that senders need, which is shown nowhere but where it is made.

use std::{convert::Infallible, fmt, fs::File, io, io::Read as _, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize};

/// A text that must not be shown or logged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl Secret {
    /// A new one, which nobody can guess.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn random() -> io::Result<Self> {
        let mut bytes = [0; 16];
        File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        Ok(Self(hex::encode(bytes)))
    }

    /// The text itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The variable that makes an OpenTelemetry SDK send it, with its value.
    #[must_use]
    pub fn line(&self) -> String {
        format!("OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20{}", self.percent_encoded())
    }

    /// The text as it stands in such a variable: whatever is special there is encoded.
    fn percent_encoded(&self) -> String {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let encoded = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
        self.0.bytes().map(encoded).collect()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The token that senders need, as it is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenChoice {
    /// A new one at each start.
    Generate,
    This(Secret),
    /// It is none, and this is why. Reading it is no error, because errors quote what was read.
    Unusable(&'static str),
}

impl TokenChoice {
    const GENERATE: &str = "generate";
    /// Shorter ones can be guessed.
    const SHORTEST: usize = 12;
}

impl FromStr for TokenChoice {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            Self::GENERATE => Self::Generate,
            _ if text.len() < Self::SHORTEST => {
                Self::Unusable("the token is too short: give at least 12 characters, or `generate`")
            }
            _ if !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Self::Unusable("the token has more than letters, digits and signs of ASCII")
            }
            _ => Self::This(Secret(text.to_owned())),
        })
    }
}

impl<'de> Deserialize<'de> for TokenChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Ok(choice) = String::deserialize(deserializer)?.parse();
        Ok(choice)
    }
}

impl fmt::Display for TokenChoice {
    /// Never the token itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Generate => "a new one at each start",
            Self::This(_) => "given, and not shown",
            Self::Unusable(why) => why,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_long_and_is_shown_nowhere() {
        let of = |text: &str| text.parse::<TokenChoice>().unwrap();
        assert_eq!(of("generate"), TokenChoice::Generate);
        let token = of("s3cret-s3cret%");
        assert!(!format!("{token} {token:?}").contains("s3cret"));
        let TokenChoice::This(secret) = token else { panic!() };
        assert_eq!(secret.line(), "OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20s3cret-s3cret%25");
        for bad in ["", "hush", "with a space in it", "with-\u{fc}mlauts-in-it"] {
            assert!(matches!(of(bad), TokenChoice::Unusable(_)), "{bad}");
        }
        let (one, other) = (Secret::random().unwrap(), Secret::random().unwrap());
        assert!(one != other && of(one.reveal()) == TokenChoice::This(one));
    }
}
