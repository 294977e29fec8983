//! Docker Hub's API: sign in, and list, make, change and revoke the tokens of an account or an organization. Speaks
//! to Docker Hub; keeps nothing, and decides nothing of which tokens are to go.
//!
//! As documented in docker/docs `content/reference/api/hub/latest.yaml`, and lenient where that is silent.

mod bearer;
mod created;
mod error;
mod hub;
mod hub_token;
mod new_token;
mod owner;
mod pages;
mod patience;
mod permissions;
mod refusal;
mod resource;

pub use bearer::{HubClaims, NotForManagement};
pub use created::Created;
pub use error::{HubError, InvalidAnswer};
pub use hub::{Heard, Hub, Revoked};
pub use hub_token::HubToken;
pub use new_token::{Change, InvalidNewToken, NewToken};
pub use owner::{InvalidOrganization, Organization, Owner};
pub use pages::Page;
pub use permissions::Permissions;
pub use refusal::{Limit, Refusal};
pub use resource::{InvalidResource, OrganizationScopes, Resource, ResourceKind};
