//! Challenges as registries send them, as they garble them, and as an attacker would.

mod broken;
mod sent;
mod written;
