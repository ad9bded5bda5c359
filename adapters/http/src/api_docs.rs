//! For framework adapters: what an application's API description says about sessions, the same in every framework.

/// The name of the security scheme for the session cookie.
pub const SCHEME: &str = "session";

/// The description of the security scheme.
pub const SCHEME_DESCRIPTION: &str = "The session cookie. Signing in sets it.";

/// The response if nobody is signed in.
pub const UNAUTHORIZED: &str = "Nobody is signed in.";

/// The response if the session could not be read or saved. It signs nobody out.
pub const UNAVAILABLE: &str = "The session could not be reached. Try again later.";
