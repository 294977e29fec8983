//! `doctor`: what commonly goes wrong, looked at one thing after another, each with its mend.

mod clients;
mod finding;
