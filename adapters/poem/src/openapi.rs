//! The session cookie as a security scheme of `poem-openapi`.

use std::{marker::PhantomData, ops::Deref};

use poem::{Request, RequestBody, Result};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ApiResponse, ExtractParamOptions, ResponseContent,
    payload::PlainText,
    registry::{MetaResponse, MetaResponses, MetaSecurityScheme, Registry},
};
use waxseal_http::{CookieName, api_docs};

use crate::{Session, SessionError, SignedIn};

/// A signed-in session, as an argument of a `poem-openapi` operation: [`SignedIn`], and a security scheme in the specification.
/// If nobody is signed in, the operation answers 401; if the store fails, 503.
///
/// The specification is made without the [`Sessions`](crate::Sessions), so the cookie's name is a type. `N` is [`DefaultCookie`]
/// unless your cookie has another name. If no middleware has a cookie of this name, the operation fails, so that the
/// specification never names another cookie than the one that is checked. The scheme has the cookie's name.
///
/// All other extractors ([`Session`], [`MaybeSignedIn`](crate::MaybeSignedIn), [`Typed`](crate::Typed)) work as arguments of
/// operations, but do not appear in the specification.
///
/// ```
/// use poem::{EndpointExt, Route};
/// use poem_openapi::{OpenApi, OpenApiService, payload::PlainText};
/// use waxseal_poem::{CookieName, SessionError, SessionMiddleware, Sessions, openapi::SessionCookie};
///
/// struct Shop;
///
/// impl CookieName for Shop {
///     const COOKIE_NAME: &str = "__Host-shop";
/// }
///
/// struct Api;
///
/// #[OpenApi]
/// impl Api {
///     /// The orders of whoever is signed in.
///     #[oai(path = "/orders", method = "get")]
///     async fn orders(&self, customer: SessionCookie<Shop>) -> Result<PlainText<String>, SessionError> {
///         Ok(PlainText(format!("{}: {:?}", customer.subject, customer.session.get::<u32>("orders").await?)))
///     }
/// }
///
/// // `sessions` were built with the cookie `__Host-shop`.
/// fn app(sessions: Sessions) -> impl poem::Endpoint {
///     let service = OpenApiService::new(Api, "Shop", "1.0");
///     Route::new().at("/openapi.json", service.spec_endpoint()).nest("/", service).with(SessionMiddleware::new(sessions))
/// }
/// ```
#[derive(Clone, Debug)]
pub struct SessionCookie<N = DefaultCookie> {
    signed_in: SignedIn,
    name: PhantomData<fn() -> N>,
}

/// The session cookie's default name.
#[derive(Clone, Copy, Debug)]
pub struct DefaultCookie;

impl CookieName for DefaultCookie {
    const COOKIE_NAME: &str = "__Host-session";
}

impl<N> SessionCookie<N> {
    /// The subject and the session.
    pub fn into_inner(self) -> SignedIn {
        self.signed_in
    }
}

impl<N> Deref for SessionCookie<N> {
    type Target = SignedIn;

    fn deref(&self) -> &SignedIn {
        &self.signed_in
    }
}

impl<'a, N: CookieName> ApiExtractor<'a> for SessionCookie<N> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        let scheme = MetaSecurityScheme {
            ty: "apiKey",
            description: Some(api_docs::SCHEME_DESCRIPTION),
            name: Some(N::COOKIE_NAME),
            key_in: Some("cookie"),
            scheme: None,
            bearer_format: None,
            flows: None,
            openid_connect_url: None,
        };
        registry.create_security_scheme(N::COOKIE_NAME, scheme);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![N::COOKIE_NAME]
    }

    async fn from_request(req: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> Result<Self> {
        let installed = req.extensions().get::<waxseal_http::Installed>();
        let session = Session::installed_as(installed, N::COOKIE_NAME)?;
        let subject = match installed {
            Some(installed) => installed.named_subject(N::COOKIE_NAME).await.map_err(SessionError)?,
            None => None,
        };
        let signed_in = SignedIn::required(subject.map(|subject| SignedIn { subject, session }))?;
        Ok(Self { signed_in, name: PhantomData })
    }
}

/// Lets an operation return `Result<_, SessionError>`, and describes its responses in the specification.
impl ApiResponse for SessionError {
    fn meta() -> MetaResponses {
        let response = |status, description| MetaResponse {
            description,
            status: Some(status),
            status_range: None,
            content: PlainText::<String>::media_types(),
            headers: Vec::new(),
        };
        MetaResponses { responses: vec![response(401, api_docs::UNAUTHORIZED), response(503, api_docs::UNAVAILABLE)] }
    }

    fn register(registry: &mut Registry) {
        <PlainText<String> as ResponseContent>::register(registry);
    }
}
