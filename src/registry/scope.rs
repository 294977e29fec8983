//! Scope: what a token may do to which resource, in the grammar of the registry token specification
//! (distribution `docs/content/spec/auth/scope.md`). Knows nothing of who asks or who grants.

mod pattern;

pub use pattern::ScopePattern;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::registry::Registry;

/// The longest name that is read. A repository's name is at most 255 bytes, with a host before it at most 253 more.
const MAX_NAME_BYTES: usize = 512;

/// One resource and what may be done to it: `repository:samalba/my-app:pull,push`.
///
/// ```text
/// resourcescope := resourcetype ":" resourcename ":" action [ ',' action ]*
/// resourcetype  := resourcetypevalue [ '(' resourcetypevalue ')' ]
/// resourcename  := [ hostname [':' port-number] '/' ] component [ '/' component ]*
/// ```
///
/// Always in normal form: actions sorted, each once, and `*` alone where it is one of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    resource: Resource,
    actions: Actions,
}

impl Scope {
    /// Pulling a repository.
    pub fn pull(repository: &str, registry: &Registry) -> Result<Self, InvalidScope> {
        Self::repository(repository, registry, "pull")
    }

    /// Pushing to a repository; no registry takes a push from who may not pull.
    pub fn push(repository: &str, registry: &Registry) -> Result<Self, InvalidScope> {
        Self::repository(repository, registry, "pull,push")
    }

    fn repository(name: &str, registry: &Registry, actions: &str) -> Result<Self, InvalidScope> {
        let is_allowed =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
        // distribution/reference `regexp.go`: letters and digits, with `.`, `_`, `__` or any `-` between them. What a
        // server makes of `..` in a path is its own affair.
        let is_separator =
            |text: &str| matches!(text, "" | "." | "_" | "__") || text.bytes().all(|byte| byte == b'-');
        let is_edge = |c: char| c.is_ascii_alphanumeric();
        let is_component = |component: &str| {
            component.starts_with(is_edge)
                && component.ends_with(is_edge)
                && component.chars().all(is_allowed)
                && component.split(is_edge).all(is_separator)
        };
        if !name.split('/').all(is_component) {
            return Err(InvalidScope::Repository);
        }
        // docker's short names: `alpine` is `library/alpine` (distribution/reference `officialRepoPrefix`).
        let namespace = if registry.is_docker_hub() && !name.contains('/') {
            "library/"
        } else {
            ""
        };
        format!("repository:{namespace}{name}:{actions}").parse()
    }

    /// One entry of a token's `access` claim (distribution `docs/content/spec/auth/jwt.md`).
    pub(super) fn of_claim(
        kind: &str,
        class: Option<&str>,
        name: &str,
        actions: &[String],
    ) -> Result<Self, InvalidScope> {
        let kind = match class.filter(|class| !class.is_empty()) {
            Some(class) => format!("{kind}({class})"),
            None => kind.to_owned(),
        };
        Ok(Self {
            resource: Resource::parse(&kind, name)?,
            actions: actions.join(",").parse()?,
        })
    }

    /// What it is about.
    #[must_use]
    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    /// What may be done to it.
    pub fn actions(&self) -> impl Iterator<Item = &str> {
        self.actions.0.iter().map(String::as_str)
    }

    /// The same with only some of its actions; `None` where none is left.
    #[must_use]
    pub fn with_actions(mut self, is_kept: impl Fn(&str) -> bool) -> Option<Self> {
        self.actions.0.retain(|action| is_kept(action));
        (!self.actions.0.is_empty()).then_some(self)
    }
}

impl FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A name may hold a host with a port: the type ends at the first colon, the actions begin at the last.
        let (kind, rest) = text.split_once(':').ok_or(InvalidScope::Shape)?;
        let (name, actions) = rest.rsplit_once(':').ok_or(InvalidScope::Shape)?;
        Ok(Self {
            resource: Resource::parse(kind, name)?,
            actions: actions.parse()?,
        })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.resource, self.actions)
    }
}

/// What a scope is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Resource {
    kind: String,
    class: Option<String>,
    name: String,
}

impl Resource {
    fn parse(kind: &str, name: &str) -> Result<Self, InvalidScope> {
        let (kind, class) = match kind.strip_suffix(')').map(|open| open.split_once('(')) {
            Some(Some((kind, class))) => (kind, Some(class)),
            Some(None) => return Err(InvalidScope::Type),
            None => (kind, None),
        };
        let is_type = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        if !is_type(kind) || !class.is_none_or(is_type) {
            return Err(InvalidScope::Type);
        }
        // Wider than the grammar: servers have names of their own, and one they do not know they refuse. What
        // would end the scope or the parameter it travels in is none of them.
        let is_allowed = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b',' | b'"' | b'\\');
        if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(is_allowed) {
            return Err(InvalidScope::Name);
        }
        Ok(Self {
            kind: kind.to_owned(),
            class: class.map(str::to_owned),
            name: name.to_owned(),
        })
    }

    /// The resource type: `repository`, `registry`.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The class in parentheses behind the type, deprecated: `plugin`.
    #[must_use]
    pub fn class(&self) -> Option<&str> {
        self.class.as_deref()
    }

    /// The name: a repository, or `catalog`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, class, name } = self;
        match class {
            Some(class) => write!(f, "{kind}({class}):{name}"),
            None => write!(f, "{kind}:{name}"),
        }
    }
}

/// Never empty; `*` alone, or without `*`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Actions(BTreeSet<String>);

impl Actions {
    const ALL: &'static str = "*";

    fn covers(&self, other: &Self) -> bool {
        self.0.contains(Self::ALL) || other.0.is_subset(&self.0)
    }

    fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
        self.normalise();
    }

    fn normalise(&mut self) {
        if self.0.contains(Self::ALL) {
            self.0.retain(|action| action == Self::ALL);
        }
    }
}

impl FromStr for Actions {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Unknown actions are kept: the specification leaves it to servers to ignore them.
        let is_action = |text: &str| {
            text == Self::ALL
                || !text.is_empty()
                    && text
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/'))
        };
        let mut actions = Self(text.split(',').map(str::to_owned).collect());
        if !actions.0.iter().all(|action| is_action(action)) {
            return Err(InvalidScope::Action);
        }
        actions.normalise();
        Ok(actions)
    }
}

impl fmt::Display for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, action) in self.0.iter().enumerate() {
            write!(f, "{}{action}", if place == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// Several scopes, at most one a resource, in normal form: equal sets have equal text, so that the text can name a
/// token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScopeSet(BTreeMap<Resource, Actions>);

impl ScopeSet {
    /// Whether there is none: a token for nobody knows what yet, as `docker login` asks for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The scopes, in order.
    pub fn iter(&self) -> impl Iterator<Item = Scope> + '_ {
        self.0.iter().map(|(resource, actions)| Scope {
            resource: resource.clone(),
            actions: actions.clone(),
        })
    }

    /// Whether everything that `other` allows is allowed here.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.lacking(other).is_empty()
    }

    /// What of `wanted` is not allowed here.
    #[must_use]
    pub fn lacking(&self, wanted: &Self) -> Self {
        let is_lacking = |(resource, actions): &(&Resource, &Actions)| {
            self.0
                .get(*resource)
                .is_none_or(|allowed| !allowed.covers(actions))
        };
        let missing = |(resource, actions): (&Resource, &Actions)| {
            let mut missing = actions.clone();
            if let Some(allowed) = self.0.get(resource) {
                missing.0.retain(|action| !allowed.0.contains(action));
            }
            (resource.clone(), missing)
        };
        Self(wanted.0.iter().filter(is_lacking).map(missing).collect())
    }

    /// Allows what `scope` allows, too.
    pub fn merge(&mut self, scope: Scope) {
        let Scope { resource, actions } = scope;
        match self.0.get_mut(&resource) {
            Some(allowed) => allowed.merge(actions),
            None => {
                self.0.insert(resource, actions);
            }
        }
    }
}

impl Extend<Scope> for ScopeSet {
    fn extend<Scopes: IntoIterator<Item = Scope>>(&mut self, scopes: Scopes) {
        for scope in scopes {
            self.merge(scope);
        }
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<Scopes: IntoIterator<Item = Scope>>(scopes: Scopes) -> Self {
        let mut set = Self::default();
        set.extend(scopes);
        set
    }
}

/// `scope := resourcescope [ ' ' resourcescope ]*`, as it stands in challenges and `OAuth2` requests.
impl FromStr for ScopeSet {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_ascii_whitespace().map(str::parse).collect()
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (resource, actions)) in self.0.iter().enumerate() {
            write!(f, "{}{resource}:{actions}", if place == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

/// Why a scope was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidScope {
    /// An action is empty or has characters none has.
    #[error(
        "scope: an action is letters, digits, '_', '-', '.' and '/', or '*'; several are separated by ','"
    )]
    Action,
    /// The name is empty, too long, or has characters none has.
    #[error(
        "scope: the name is empty, longer than 512 bytes, or has a blank, ',', '\"' or a character beyond ASCII"
    )]
    Name,
    /// Not a repository's name.
    #[error(
        "repository: a name is lower-case letters, digits, '.', '_', '-' and '/'; leave out host, tag and digest"
    )]
    Repository,
    /// Fewer than two colons.
    #[error("scope: write TYPE:NAME:ACTION[,ACTION], as in repository:library/alpine:pull")]
    Shape,
    /// The type or class is not lower-case letters and digits.
    #[error("scope: the type before the first ':' is lower-case letters and digits, as in repository")]
    Type,
}

#[cfg(test)]
mod tests;
