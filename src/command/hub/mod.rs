//! Docker Hub's tokens, managed from here: `hub status`, `hub token`, and what `session` and `prune` share with them.

pub mod candidate;
pub mod desk;
pub mod held;
pub mod keep;
pub mod management;
pub mod status;
pub mod token;

pub use desk::{Desk, Reach};
pub use held::HeldTokens;
pub use management::Manager;
