//! docker-credential-scoped
