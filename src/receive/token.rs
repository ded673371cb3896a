//! The token that senders need where others than this machine's programs can reach a port.

use axum::http::{HeaderMap, header};

use super::Refusal;

/// What a sender must know: `authorization: Bearer TOKEN`. Only a hash of it is kept.
#[derive(Clone)]
pub struct Token(blake3::Hash);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    #[must_use]
    pub fn new(token: &str) -> Self {
        Self(blake3::hash(token.as_bytes()))
    }

    /// Whether a request has the token. Hashes are compared, in a time that says nothing of either.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(sent) = headers.get(header::AUTHORIZATION) else { return Err(Refusal::NoToken) };
        let sent = sent.as_bytes();
        let token = match sent.split_first_chunk::<SCHEME>() {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") => token.trim_ascii(),
            _ => return Err(Refusal::NoToken),
        };
        if blake3::hash(token) == self.0 { Ok(()) } else { Err(Refusal::WrongToken) }
    }
}

/// The length of `Bearer `.
const SCHEME: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_is_let_through() {
        let token = Token::new("a-long-enough-token");
        let check = |value: &str| token.check(&HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]));
        for good in ["Bearer a-long-enough-token", "bearer a-long-enough-token", "BEARER  a-long-enough-token "] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for wrong in
            ["Bearer a-long-enough-toke", "Bearer a-long-enough-tokenn", "Bearer A-long-enough-token", "Bearer "]
        {
            assert_eq!(check(wrong), Err(Refusal::WrongToken), "{wrong}");
        }
        for none in ["", "Basic YTpi", "a-long-enough-token", "Bearer"] {
            assert_eq!(check(none), Err(Refusal::NoToken), "{none}");
        }
        assert_eq!(token.check(&HeaderMap::new()), Err(Refusal::NoToken));
        assert_eq!(format!("{token:?}"), "Token");
    }
}
