//! For framework adapters: what an application's API description says of sessions, the same in every framework.

/// The name of the security scheme that is the session cookie.
pub const SCHEME: &str = "session";

/// What the security scheme is.
pub const SCHEME_DESCRIPTION: &str = "The session cookie. Signing in sets it.";

/// The response where nobody is signed in.
pub const UNAUTHORIZED: &str = "Nobody is signed in.";

/// The response where the session could not be read or saved. Nobody is signed out by it.
pub const UNAVAILABLE: &str = "The session could not be reached. Try again later.";
