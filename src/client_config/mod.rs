//! What the clients' configuration files say, and how to say something else in them, or in our own, without touching
//! the rest.
//! Pure: no file, environment, network, clock or standard stream.

mod auth_entry;
mod config_file;
mod json_text;
mod record;
mod registries_conf;
mod settings_text;
mod token_config;
mod toml_list;

pub use auth_entry::{AuthEntry, Login, UndecodableEntry};
pub use config_file::{ConfigFile, InvalidConfigFile, Key};
pub use record::{Change, Record, What};
pub use registries_conf::{credential_helpers_line, registries_drop_in};
pub use settings_text::set_hand_out;
pub use token_config::TokenConfig;
pub use toml_list::toml_lists;
