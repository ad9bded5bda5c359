//! For framework adapters: the application's own page for failures of the session layer.

use std::{fmt, sync::Arc};

use http::{Extensions, HeaderMap, Method, StatusCode, Uri};

use crate::{SessionError, add_headers, headers};

/// What a failure page may know about the request: enough to answer in the client's language and format.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestHead {
    /// The method.
    pub method: Method,
    /// The URI that the middleware received.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
}

impl RequestHead {
    /// The head of a request.
    pub fn new(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        Self { method: method.clone(), uri: uri.clone(), headers: headers.clone() }
    }
}

type Page<R> = dyn Fn(&SessionError, &RequestHead) -> R + Send + Sync;

/// An application's function that makes the response for a failure of the session layer. `R` is the framework's response.
pub struct OnError<R>(Arc<Page<R>>);

impl<R> OnError<R> {
    /// Uses this function to make the pages.
    pub fn new(page: impl Fn(&SessionError, &RequestHead) -> R + Send + Sync + 'static) -> Self {
        Self(Arc::new(page))
    }

    /// The page for this failure.
    pub fn page(&self, error: &SessionError, request: &RequestHead) -> R {
        (self.0)(error, request)
    }
}

impl<R> Clone for OnError<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R> fmt::Debug for OnError<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnError")
    }
}

/// The failure that a response reports. A framework's `SessionError` puts it into the extensions of its response, where the
/// middleware finds it: only the middleware has the application's page.
#[derive(Clone, Debug)]
pub struct Failed(Arc<SessionError>);

impl Failed {
    /// A mark for the response of this error.
    pub fn new(error: SessionError) -> Self {
        Self(Arc::new(error))
    }

    /// Takes the mark out of a response of this status. If the status is another one, the response was replaced in between.
    pub fn take(extensions: &mut Extensions, status: StatusCode) -> Option<Arc<SessionError>> {
        extensions.remove::<Self>().map(|failed| failed.0).filter(|error| error.status() == status)
    }
}

/// Completes an application's page: adds `session_headers`, and forbids shared caches to keep it. The status stays the error's
/// unless the page has chosen one; a failure is never answered with 2xx (R9).
pub fn complete_page(
    error: &SessionError,
    status: &mut StatusCode,
    page_headers: &mut HeaderMap,
    session_headers: &HeaderMap,
) {
    if status.is_success() {
        *status = error.status();
    }
    headers::forbid_shared_caches(page_headers);
    add_headers(session_headers, page_headers);
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header};

    use super::*;

    #[test]
    fn a_page_is_completed_and_keeps_what_it_says() {
        let error = SessionError::Crowded;
        let mut page = HeaderMap::new();
        page.insert(header::RETRY_AFTER, HeaderValue::from_static("7"));
        let mut session = HeaderMap::new();
        session.insert(header::SET_COOKIE, HeaderValue::from_static("a=b"));
        for (chosen, expected) in [(200, 503), (201, 503), (303, 303), (500, 500)] {
            let (mut status, mut headers) = (StatusCode::from_u16(chosen).unwrap(), page.clone());
            complete_page(&error, &mut status, &mut headers, &session);
            assert_eq!(status, expected);
            assert_eq!(
                (&headers["retry-after"], &headers["set-cookie"], &headers["cache-control"]),
                (&"7".parse().unwrap(), &"a=b".parse().unwrap(), &"no-store".parse().unwrap())
            );
        }
    }

    #[test]
    fn a_mark_is_of_its_status() {
        let marked = || {
            let mut extensions = Extensions::new();
            extensions.insert(Failed::new(SessionError::NotSignedIn));
            extensions
        };
        assert!(Failed::take(&mut marked(), StatusCode::UNAUTHORIZED).is_some());
        assert!(Failed::take(&mut marked(), StatusCode::OK).is_none());
    }
}
