//! Challenge: what a registry answers to a request without a token, in `WWW-Authenticate` (RFC 7235, and the registry
//! token specification). Knows nothing of whether the realm it names is to be trusted.

use thiserror::Error;

use crate::registry::{InvalidRealm, InvalidScope, Realm, ScopeSet};

/// The most that is read, over all headers. A challenge is a URL and two short texts; HTTP servers end at 8 KiB.
const MAX_BYTES: usize = 8 * 1024;

/// The most parameters, over all challenges. A digest, the longest that is known, has a dozen.
const MAX_PARAMETERS: usize = 64;

/// How a registry wants to be spoken to: the strongest of what it offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// No challenge: the registry asked for nothing, or forgot to say what.
    Absent,
    /// User name and password with each request. There is nothing to exchange.
    Basic,
    /// A token from the realm.
    Bearer(BearerChallenge),
    /// Only schemes that are not spoken here.
    Unsupported,
}

impl Challenge {
    /// Reads the values of all `WWW-Authenticate` headers of one answer.
    ///
    /// Bearer goes before Basic, whatever their order, and a Bearer challenge that cannot be read is an error: a
    /// client that then takes Basic sends the password where a short-lived token was asked for (rust oci-client does).
    pub fn read<'a>(headers: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidChallenge> {
        let mut stated = Vec::new();
        let (mut bytes, mut parameters) = (0_usize, 0);
        for header in headers {
            bytes = bytes.saturating_add(header.len());
            if bytes > MAX_BYTES {
                return Err(InvalidChallenge::TooLong);
            }
            let mut reader = Reader { rest: header };
            // A challenge may hold a comma, so that several headers are not one list: each begins with a scheme.
            while let Some(one) = reader.challenge()? {
                parameters += one.parameters.len();
                if parameters > MAX_PARAMETERS {
                    return Err(InvalidChallenge::TooMany);
                }
                stated.push(one);
            }
        }
        let mut strongest = if stated.is_empty() {
            Self::Absent
        } else {
            Self::Unsupported
        };
        for one in stated {
            if one.scheme.eq_ignore_ascii_case("Bearer") {
                let bearer = BearerChallenge::new(&one)?;
                // The registry's first choice among equals. The rest is read all the same, so that no order of the
                // headers hides one that is broken.
                if !matches!(strongest, Self::Bearer(_)) {
                    strongest = Self::Bearer(bearer);
                }
            } else if one.scheme.eq_ignore_ascii_case("Basic") && strongest == Self::Unsupported {
                strongest = Self::Basic;
            }
        }
        Ok(strongest)
    }
}

/// `Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BearerChallenge {
    /// Where tokens are to be had. Not yet judged.
    pub realm: Realm,
    /// The audience; some registries say none (`OpenShift`, NGC).
    pub service: Option<String>,
    /// What the request would have needed, word for word; absent where nothing in particular was asked for.
    pub scope: Option<String>,
    /// Why a token that was sent was not enough: `insufficient_scope`, `invalid_token` (RFC 6750 section 3.1).
    pub error: Option<String>,
}

impl BearerChallenge {
    /// The scopes, where they are in the grammar of the specification. `public.ecr.aws` says `aws`, which is not.
    pub fn scopes(&self) -> Result<ScopeSet, InvalidScope> {
        self.scope.as_deref().unwrap_or_default().parse()
    }

    fn new(stated: &Stated<'_>) -> Result<Self, InvalidChallenge> {
        Ok(Self {
            realm: stated
                .parameter("realm")?
                .ok_or(InvalidChallenge::RealmMissing)?
                .parse()
                .map_err(InvalidChallenge::Realm)?,
            service: stated.text("service")?,
            scope: stated.text("scope")?,
            error: stated.text("error")?,
        })
    }
}

/// Why a challenge was refused: report it, and send nothing. Texts never repeat the input.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidChallenge {
    /// The realm is none.
    #[error("the registry's challenge (WWW-Authenticate): {0}")]
    Realm(InvalidRealm),
    /// A Bearer challenge without a realm.
    #[error("the registry's challenge (WWW-Authenticate): does not say where tokens are to be had (realm)")]
    RealmMissing,
    /// A parameter twice. RFC 7235 section 2.1: its name "MUST only occur once per challenge".
    #[error("the registry's challenge (WWW-Authenticate): says the same parameter twice")]
    Repeated,
    /// Outside the grammar.
    #[error("the registry's challenge (WWW-Authenticate): is not in the form SCHEME NAME=\"VALUE\",…")]
    Syntax,
    /// A service, scope or error with something else than printable ASCII.
    #[error("the registry's challenge (WWW-Authenticate): has a value that is not printable ASCII")]
    Text,
    /// More than 8 KiB.
    #[error("the registry's challenge (WWW-Authenticate): is longer than 8 KiB")]
    TooLong,
    /// More than 64 parameters.
    #[error("the registry's challenge (WWW-Authenticate): has more than 64 parameters")]
    TooMany,
}

/// One challenge as it stands there, of whatever scheme.
struct Stated<'a> {
    scheme: &'a str,
    parameters: Vec<(&'a str, String)>,
}

impl Stated<'_> {
    /// RFC 7235 section 2.1: a parameter's name is matched without regard to case.
    fn parameter(&self, name: &str) -> Result<Option<&str>, InvalidChallenge> {
        let mut values = self
            .parameters
            .iter()
            .filter(|(stated, _)| stated.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str());
        let value = values.next();
        match values.next() {
            Some(_) => Err(InvalidChallenge::Repeated),
            None => Ok(value),
        }
    }

    /// A parameter that may end up in a request or a message. Empty says as much as absent: NGC pings with `scope=""`.
    fn text(&self, name: &str) -> Result<Option<String>, InvalidChallenge> {
        let text = self.parameter(name)?.filter(|text| !text.is_empty());
        if text.is_some_and(|text| !text.bytes().all(|byte| matches!(byte, b' '..=b'~'))) {
            return Err(InvalidChallenge::Text);
        }
        Ok(text.map(str::to_owned))
    }
}

/// What is still to be read of one header.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// ```text
    /// challenge  = auth-scheme [ 1*SP ( token68 / #auth-param ) ]
    /// auth-param = token BWS "=" BWS ( token / quoted-string )
    /// ```
    ///
    /// Commas may be missing or too many, and blanks may be anywhere between parts, as registries have it.
    fn challenge(&mut self) -> Result<Option<Stated<'a>>, InvalidChallenge> {
        self.skip(" \t,");
        if self.rest.is_empty() {
            return Ok(None);
        }
        let scheme = self.token()?;
        let mut parameters = Vec::new();
        if !self.rest.is_empty() && !self.rest.starts_with([' ', '\t', ',']) {
            return Err(InvalidChallenge::Syntax);
        }
        if self.token68() {
            // Neither has a token here, and `Basic Bearer` may also be meant as two challenges.
            return if scheme.eq_ignore_ascii_case("Basic") || scheme.eq_ignore_ascii_case("Bearer") {
                Err(InvalidChallenge::Syntax)
            } else {
                Ok(Some(Stated { scheme, parameters }))
            };
        }
        loop {
            self.skip(" \t,");
            let before = self.rest;
            if before.is_empty() {
                break;
            }
            let name = self.token()?;
            self.skip(" \t");
            let Some(value) = self.rest.strip_prefix('=') else {
                // No parameter: the scheme of the next challenge.
                self.rest = before;
                break;
            };
            self.rest = value;
            self.skip(" \t");
            let value = match self.rest.strip_prefix('"') {
                Some(quoted) => {
                    self.rest = quoted;
                    self.quoted()?
                }
                None => self.token()?.to_owned(),
            };
            if !self.rest.is_empty() && !self.rest.starts_with([' ', '\t', ',']) {
                return Err(InvalidChallenge::Syntax);
            }
            parameters.push((name, value));
        }
        Ok(Some(Stated { scheme, parameters }))
    }

    fn skip(&mut self, what: &str) {
        self.rest = self.rest.trim_start_matches(|c| what.contains(c));
    }

    /// RFC 7230 section 3.2.6: `token = 1*tchar`.
    fn token(&mut self) -> Result<&'a str, InvalidChallenge> {
        let is_tchar = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let rest = self.rest.trim_start_matches(is_tchar);
        match self.rest.strip_suffix(rest) {
            Some(token) if !token.is_empty() => {
                self.rest = rest;
                Ok(token)
            }
            Some(_) | None => Err(InvalidChallenge::Syntax),
        }
    }

    /// `token68 = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`, if that is all until the next comma
    /// or the end. Nobody needs the value.
    fn token68(&mut self) -> bool {
        let is_token68 = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
        let blank: &[char] = &[' ', '\t'];
        let start = self.rest.trim_start_matches(blank);
        let padding = start.trim_start_matches(is_token68);
        let end = padding.trim_start_matches('=').trim_start_matches(blank);
        let is_one = padding.len() < start.len() && (end.is_empty() || end.starts_with(','));
        if is_one {
            self.rest = end;
        }
        is_one
    }

    /// Behind the opening quote, to behind the closing one. RFC 7230 section 3.2.6:
    ///
    /// ```text
    /// quoted-string = DQUOTE *( qdtext / quoted-pair ) DQUOTE
    /// qdtext        = HTAB / SP / %x21 / %x23-5B / %x5D-7E / obs-text
    /// quoted-pair   = "\" ( HTAB / SP / VCHAR / obs-text )
    /// ```
    fn quoted(&mut self) -> Result<String, InvalidChallenge> {
        let mut text = String::new();
        let mut characters = self.rest.chars();
        loop {
            let character = match characters.next() {
                Some('"') => break,
                Some('\\') => characters.next(),
                other => other,
            };
            match character {
                Some(character) if character == '\t' || !character.is_control() => text.push(character),
                // The end, or what cannot stand in a header.
                Some(_) | None => return Err(InvalidChallenge::Syntax),
            }
        }
        self.rest = characters.as_str();
        Ok(text)
    }
}

#[cfg(test)]
mod tests;
