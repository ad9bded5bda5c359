//! Sessions in the OpenAPI description that `aide` makes of axum handlers.

use aide::{
    OperationInput, OperationOutput,
    generate::GenContext,
    openapi::{ApiKeyLocation, Operation, Response, SecurityRequirement, SecurityScheme},
};
use waxseal_http::{CookieName, Sessions, TypedData, api_docs};

use crate::{MaybeSignedIn, Named, Session, SessionError, SignedIn, SubjectSessions, Typed};

/// The name of the security scheme that [`SignedIn`] requires.
pub const SCHEME: &str = api_docs::SCHEME;

/// The session cookie as a security scheme, with the cookie's name in these sessions. Add it to the description under [`SCHEME`].
///
/// Every extractor of this crate can be an argument of a documented handler. [`SignedIn`] adds the required scheme and the 401
/// response, [`MaybeSignedIn`] the optional scheme, and all of them the 503 response. (`Option<SignedIn>` is described like
/// `SignedIn`.)
///
/// ```
/// use aide::{axum::{ApiRouter, routing::get}, openapi::OpenApi};
/// use axum::{Json, Router};
/// use waxseal_tower::{SessionError, SessionLayer, Sessions, SignedIn, aide as session_docs};
///
/// /// The orders of whoever is signed in.
/// async fn orders(customer: SignedIn) -> Result<Json<u32>, SessionError> {
///     Ok(Json(customer.session.get("orders").await?.unwrap_or(0)))
/// }
///
/// fn app(sessions: Sessions) -> Router {
///     let scheme = session_docs::security_scheme(&sessions);
///     let mut description = OpenApi::default();
///     let routes = ApiRouter::new().api_route("/orders", get(orders));
///     let routes = routes.finish_api_with(&mut description, |api| api.security_scheme(session_docs::SCHEME, scheme));
///     routes
///         .route("/openapi.json", axum::routing::get(move || async move { Json(description) }))
///         .layer(SessionLayer::new(sessions))
/// }
/// ```
pub fn security_scheme(sessions: &Sessions) -> SecurityScheme {
    SecurityScheme::ApiKey {
        location: ApiKeyLocation::Cookie,
        name: sessions.cookie_name().to_owned(),
        description: Some(api_docs::SCHEME_DESCRIPTION.to_owned()),
        extensions: Default::default(),
    }
}

fn add_security(operation: &mut Operation, requirement: SecurityRequirement) {
    if !operation.security.contains(&requirement) {
        operation.security.push(requirement);
    }
}

fn required() -> SecurityRequirement {
    [(SCHEME.to_owned(), Vec::new())].into_iter().collect()
}

fn unauthorized() -> (Option<u16>, Response) {
    (Some(401), Response { description: api_docs::UNAUTHORIZED.to_owned(), ..Response::default() })
}

fn unavailable() -> (Option<u16>, Response) {
    (Some(503), Response { description: api_docs::UNAVAILABLE.to_owned(), ..Response::default() })
}

impl OperationInput for SignedIn {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        add_security(operation, required());
    }

    fn inferred_early_responses(_: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, Response)> {
        vec![unauthorized(), unavailable()]
    }
}

impl OperationInput for MaybeSignedIn {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        add_security(operation, SecurityRequirement::default());
        add_security(operation, required());
    }

    fn inferred_early_responses(_: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, Response)> {
        vec![unavailable()]
    }
}

impl OperationInput for Session {
    fn inferred_early_responses(_: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, Response)> {
        vec![unavailable()]
    }
}

impl<T: TypedData> OperationInput for Typed<T> {
    fn inferred_early_responses(_: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, Response)> {
        vec![unavailable()]
    }
}

impl<N: CookieName> OperationInput for Named<N> {
    fn inferred_early_responses(_: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, Response)> {
        vec![unavailable()]
    }
}

impl OperationInput for SubjectSessions {
    fn inferred_early_responses(_: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, Response)> {
        vec![unavailable()]
    }
}

/// Lets a handler return `Result<_, SessionError>`, and describes its responses.
impl OperationOutput for SessionError {
    type Inner = Self;

    fn inferred_responses(_: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, Response)> {
        vec![unauthorized(), unavailable()]
    }
}
