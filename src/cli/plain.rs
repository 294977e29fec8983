//! Plain: the arguments of `token` as jobs write them, read without clap, which takes longer than all the rest of a
//! cached token. Whatever is not plain is left to clap, and so is every message.

use std::ffi::OsString;

use super::{DEFAULT_OUTPUT, Token};

/// Reads what follows the program's name; `None` where clap is to read it. What is read here clap reads the same.
pub(super) fn read(arguments: &[OsString]) -> Option<Token> {
    let (command, arguments) = arguments.split_first()?;
    if command != "token" {
        return None;
    }
    let (mut scopes, mut pull, mut push) = (Vec::new(), Vec::new(), Vec::new());
    let (mut server, mut service, mut profile, mut trust_realm, mut output) = (None, None, None, None, None);
    let mut words = arguments.iter().map(|word| word.to_str());
    while let Some(word) = words.next() {
        let word = word?;
        let (name, value) = match word.strip_prefix("--") {
            Some(option) => match option.split_once('=') {
                Some((name, value)) => (name, value),
                None => (option, words.next().flatten().filter(|value| is_value(value))?),
            },
            None => ("", Some(word).filter(|word| is_value(word))?),
        };
        match name {
            "" if value == word => once(&mut server, value.to_owned())?,
            "scope" => scopes.push(value.to_owned()),
            "pull" => pull.push(value.to_owned()),
            "push" => push.push(value.to_owned()),
            "service" => once(&mut service, value.to_owned())?,
            "profile" => once(&mut profile, value.parse().ok()?)?,
            "trust-realm" => once(&mut trust_realm, value.to_owned())?,
            "output" => once(&mut output, value.to_owned())?,
            _ => return None,
        }
    }
    Some(Token {
        server,
        scopes,
        pull,
        push,
        service,
        profile,
        trust_realm,
        output: output.unwrap_or_else(|| DEFAULT_OUTPUT.to_owned()),
    })
}

/// clap takes what begins with a dash for the next option.
fn is_value(word: &str) -> bool {
    !word.starts_with('-')
}

/// clap refuses a second one.
fn once<Value>(place: &mut Option<Value>, value: Value) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

#[cfg(test)]
mod tests;
