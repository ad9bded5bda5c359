//! Sessions in the OpenAPI description of Salvo's `#[endpoint]`s.

use salvo_oapi::{
    Components, EndpointArgRegister, EndpointOutRegister, Operation, Response, SecurityRequirement, SecurityScheme,
    security::{ApiKey, ApiKeyValue},
};
use waxseal_http::{CookieName, Sessions, TypedData, api_docs};

use crate::{MaybeSignedIn, Named, Session, SessionError, SignedIn, SubjectSessions, Typed};

/// The name of the security scheme that [`SignedIn`] requires.
pub const SCHEME: &str = api_docs::SCHEME;

/// The session cookie as a security scheme, with the cookie's name in these sessions. Add it to the description under [`SCHEME`].
///
/// Every extractor of this crate can be an argument of an `#[endpoint]`. [`SignedIn`] adds the required scheme and the 401
/// response, [`MaybeSignedIn`] the optional scheme, and all of them the 503 response.
///
/// ```
/// use salvo::{oapi::OpenApi, prelude::*};
/// use waxseal_salvo::{SessionError, SessionHoop, Sessions, SignedIn, oapi};
///
/// /// The orders of whoever is signed in.
/// #[endpoint]
/// async fn orders(customer: SignedIn) -> Result<String, SessionError> {
///     Ok(format!("{}: {:?}", customer.subject, customer.session.get::<u32>("orders").await?))
/// }
///
/// fn router(sessions: Sessions) -> Router {
///     let scheme = oapi::security_scheme(&sessions);
///     let router = Router::new().hoop(SessionHoop::new(sessions)).push(Router::with_path("orders").get(orders));
///     let description = OpenApi::new("Shop", "1.0").add_security_scheme(oapi::SCHEME, scheme).merge_router(&router);
///     router.push(description.into_router("/openapi.json"))
/// }
/// ```
pub fn security_scheme(sessions: &Sessions) -> SecurityScheme {
    ApiKey::Cookie(ApiKeyValue::with_description(sessions.cookie_name(), api_docs::SCHEME_DESCRIPTION)).into()
}

fn add_security(operation: &mut Operation, requirement: SecurityRequirement) {
    let requirements = operation.securities.get_or_insert_default();
    if !requirements.contains(&requirement) {
        requirements.push(requirement);
    }
}

fn add_unavailable(operation: &mut Operation) {
    operation.responses.insert("503", Response::new(api_docs::UNAVAILABLE));
}

impl EndpointArgRegister for SignedIn {
    fn register(components: &mut Components, operation: &mut Operation, _: &str) {
        add_security(operation, SecurityRequirement::new(SCHEME, [""; 0]));
        <SessionError as EndpointOutRegister>::register(components, operation);
    }
}

impl EndpointArgRegister for MaybeSignedIn {
    fn register(_: &mut Components, operation: &mut Operation, _: &str) {
        add_security(operation, SecurityRequirement::default());
        add_security(operation, SecurityRequirement::new(SCHEME, [""; 0]));
        add_unavailable(operation);
    }
}

impl EndpointArgRegister for Session {
    fn register(_: &mut Components, operation: &mut Operation, _: &str) {
        add_unavailable(operation);
    }
}

impl<T: TypedData> EndpointArgRegister for Typed<T> {
    fn register(_: &mut Components, operation: &mut Operation, _: &str) {
        add_unavailable(operation);
    }
}

impl<N: CookieName> EndpointArgRegister for Named<N> {
    fn register(_: &mut Components, operation: &mut Operation, _: &str) {
        add_unavailable(operation);
    }
}

impl EndpointArgRegister for SubjectSessions {
    fn register(_: &mut Components, operation: &mut Operation, _: &str) {
        add_unavailable(operation);
    }
}

/// Lets an `#[endpoint]` return `Result<_, SessionError>`, and describes its responses.
impl EndpointOutRegister for SessionError {
    fn register(_: &mut Components, operation: &mut Operation) {
        operation.responses.insert("401", Response::new(api_docs::UNAUTHORIZED));
        add_unavailable(operation);
    }
}
