//! The response that reports a failure: empty, or the application's own page.

use http::{HeaderMap, Request, Response};
use waxseal_http::{OnError, RequestHead, SessionError, complete_page};

/// The page that reports a failure of this request.
pub type Page<R> = Box<dyn FnOnce(&SessionError) -> Response<R> + Send>;

/// Where a layer gets its pages for failures: from [`EmptyPage`], or from the function given to
/// [`SessionLayer::on_error`](crate::SessionLayer::on_error).
pub trait FailurePage<R> {
    /// The page for a failure of this request, if the application has one.
    fn of<B>(&self, request: &Request<B>) -> Option<Page<R>>;
}

/// An empty page with the status.
#[derive(Clone, Copy, Debug)]
pub struct EmptyPage;

impl<R> FailurePage<R> for EmptyPage {
    fn of<B>(&self, _: &Request<B>) -> Option<Page<R>> {
        None
    }
}

impl<R: 'static> FailurePage<R> for OnError<Response<R>> {
    fn of<B>(&self, request: &Request<B>) -> Option<Page<R>> {
        let on_error = self.clone();
        let head = RequestHead::new(request.method(), request.uri(), request.headers());
        Some(Box::new(move |error| on_error.page(error, &head)))
    }
}

/// The response for this error, with these session headers.
pub(crate) fn answer<R: Default>(page: Option<Page<R>>, error: &SessionError, headers: HeaderMap) -> Response<R> {
    let Some(page) = page else {
        let mut response = Response::new(R::default());
        *response.status_mut() = error.status();
        *response.headers_mut() = headers;
        return response;
    };
    let mut response = page(error);
    let mut status = response.status();
    complete_page(error, &mut status, response.headers_mut(), &headers);
    *response.status_mut() = status;
    response
}
