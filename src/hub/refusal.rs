//! Refusal: the body of an answer that is none, in its several shapes. What it says is looked through for what it
//! means and never repeated.

use serde_json::Value;

use crate::hub::NotForManagement;

/// What is looked at of a text: a number with more digits is no number of tokens.
const MAX_DIGITS: usize = 6;

/// The fields of what we send, as both kinds of tokens call them, and as people know them.
const FIELDS: [(&str, &str); 7] = [
    ("description", "description"),
    ("expires_at", "expires"),
    ("is_active", "active"),
    ("label", "label"),
    ("resources", "resources"),
    ("scopes", "scopes"),
    ("token_label", "label"),
];

/// Where it says to people what is wrong.
const SAID: [&str; 3] = ["detail", "message", "text"];

/// What it calls a second factor, word by word.
const SECOND_FACTOR: [&[&str]; 4] = [&["2fa"], &["mfa"], &["two", "factor"], &["second", "factor"]];

/// What a body says of why: `{"detail"}`, `{"message"}`, `{"text", "fields"}`, `{"errinfo", ..}`, or a text for
/// each field. No `Debug`: a server may repeat what it was sent.
#[derive(Default)]
pub struct Refusal {
    /// All texts in it, in lower case, but for what is a token.
    texts: Vec<String>,
    /// Those that are said to people.
    said: Vec<String>,
    /// All names of fields in it.
    names: Vec<String>,
}

/// There are as many tokens as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many that is.
    pub most: Option<u64>,
}

impl Refusal {
    /// Reads a body; of what is not JSON nothing is told.
    #[must_use]
    pub fn read(body: &[u8]) -> Self {
        let mut refusal = Self::default();
        if let Ok(value) = serde_json::from_slice(body) {
            refusal.collect("", value);
        }
        refusal
    }

    /// Takes in what stands under a name.
    fn collect(&mut self, name: &str, value: Value) {
        match value {
            Value::String(text) => {
                let text = text.to_ascii_lowercase();
                if SAID.contains(&name) {
                    self.said.push(text.clone());
                }
                self.texts.push(text);
            }
            Value::Array(values) => values.into_iter().for_each(|value| self.collect(name, value)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    if !name.to_ascii_lowercase().ends_with("token") {
                        self.collect(&name, value);
                    }
                    self.names.push(name);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// What the bearer was made from that may not manage tokens (docker/hub-feedback#2478).
    pub(super) fn not_for_management(&self) -> Option<NotForManagement> {
        self.texts.iter().find_map(|text| {
            if text.contains("token issued from organization access token") {
                Some(NotForManagement::OrganizationToken)
            } else if text.contains("token issued from personal access token") {
                Some(NotForManagement::PersonalToken)
            } else {
                None
            }
        })
    }

    /// Whether a password is not enough: the older sign-in then has a token for the next step.
    pub(super) fn wants_second_factor(&self) -> bool {
        self.names.iter().any(|name| name == "login_2fa_token")
            || self.said.iter().any(|text| {
                let words: Vec<_> = text
                    .split(|character: char| !character.is_alphanumeric())
                    .collect();
                SECOND_FACTOR
                    .iter()
                    .any(|wanted| words.windows(wanted.len()).any(|found| found == *wanted))
            })
    }

    /// Whether there are as many tokens as may be, and how many that is where it says so. How Docker Hub words it is
    /// not documented; what is too long has a limit, too.
    #[must_use]
    pub fn limit(&self) -> Option<Limit> {
        let has = |text: &str, words: &[&str]| words.iter().any(|word| text.contains(word));
        let text = self.texts.iter().find(|text| {
            has(text, &["limit", "maximum", "too many"])
                && text.contains("token")
                && !has(text, &["character", "label", "length", "repositor"])
        })?;
        let most = text
            .split(|character: char| !character.is_ascii_digit())
            .find(|digits| (1..=MAX_DIGITS).contains(&digits.len()))
            .and_then(|digits| digits.parse().ok());
        Some(Limit { most })
    }

    /// Which of our fields it names.
    #[must_use]
    pub fn fields(&self) -> Vec<&'static str> {
        let mut fields: Vec<_> = FIELDS
            .into_iter()
            .filter(|(name, _)| self.names.iter().any(|found| found == name))
            .map(|(_, field)| field)
            .collect();
        fields.sort_unstable();
        fields.dedup();
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Refusal {
        Refusal::read(body.as_bytes())
    }

    #[test]
    fn a_bearer_that_may_not_is_known_by_the_text_wherever_it_stands() {
        let table = [
            (
                r#"{"detail":"Token issued from personal access token is not allowed"}"#,
                Some(NotForManagement::PersonalToken),
            ),
            (
                r#"{"message":"access denied","errinfo":{"why":["token issued from organization access token is not allowed"]}}"#,
                Some(NotForManagement::OrganizationToken),
            ),
            (r#"{"detail":"forbidden"}"#, None),
            ("token issued from personal access token is not allowed", None),
        ];
        for (body, expected) in table {
            assert_eq!(read(body).not_for_management(), expected, "{body}");
        }
    }

    #[test]
    fn a_limit_is_known_by_its_words_and_its_number() {
        let table = [
            (
                r#"{"message":"maximum number of access tokens (10) reached"}"#,
                Some(Limit { most: Some(10) }),
            ),
            (
                r#"{"detail":"Token limit reached: 5 of 5"}"#,
                Some(Limit { most: Some(5) }),
            ),
            (
                r#"{"text":"you have too many tokens"}"#,
                Some(Limit { most: None }),
            ),
            (
                r#"{"text":"token limit 123456789012345678901234567890"}"#,
                Some(Limit { most: None }),
            ),
            (
                r#"{"token_label":["The token's label has a maximum length of 100"]}"#,
                None,
            ),
            (r#"{"message":"a token is limited to 50 repositories"}"#, None),
            (r#"{"detail":"no more than 100 characters"}"#, None),
            ("<html>limit</html>", None),
            ("", None),
        ];
        for (body, expected) in table {
            assert_eq!(read(body).limit(), expected, "{body}");
        }
    }

    #[test]
    fn fields_are_named_as_people_know_them_and_no_others() {
        let table = [
            (
                r#"{"fields":{"token_label":["too long"],"label":"x"},"text":"bad"}"#,
                &["label"][..],
            ),
            (
                r#"{"expires_at":["in the past"],"scopes":["unknown"]}"#,
                &["expires", "scopes"],
            ),
            (
                r#"{"errinfo":{"\u001b[31m":"x","resources":"x"},"detail":"x"}"#,
                &["resources"],
            ),
            (r#"{"detail":"label"}"#, &[]),
        ];
        for (body, expected) in table {
            assert_eq!(read(body).fields(), expected, "{body}");
        }
    }

    #[test]
    fn a_second_factor_is_asked_for_in_two_ways() {
        assert!(read(r#"{"detail":"Require secondary authentication on MFA enabled account","login_2fa_token":"x"}"#).wants_second_factor());
        assert!(read(r#"{"message":"Two-factor authentication is required"}"#).wants_second_factor());
        assert!(read(r#"{"errinfo":{"detail":["use 2FA"]}}"#).wants_second_factor());
        for body in [
            r#"{"detail":"Incorrect authentication credentials"}"#,
            r#"{"detail":"Incorrect credentials of user 42fab"}"#,
            r#"{"detail":"wrong","request_id":"91-2fa-7"}"#,
            r#"{"detail":"wrong","trace":["two-factor"]}"#,
            r#"{"message":"a second, and a factor"}"#,
        ] {
            assert!(!read(body).wants_second_factor(), "{body}");
        }
    }

    #[test]
    fn what_is_a_token_is_not_kept() {
        let refusal = read(
            r#"{"login_2fa_token":"canary-limit","detail":{"Token":["canary-limit"]},"text":"wrong",
               "fields":{"token":{"detail":"canary"},"token_label":"too long"}}"#,
        );
        assert_eq!(refusal.texts, ["too long", "wrong"]);
        assert_eq!(refusal.said, ["wrong"]);
    }
}
