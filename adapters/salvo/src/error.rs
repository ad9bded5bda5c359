//! How Salvo answers a session's error.

use salvo_core::{Response, Scribe, writing::Text};
use waxseal_http::Failed;

waxseal_http::framework_error!();

impl Scribe for SessionError {
    fn render(self, response: &mut Response) {
        plain(&self.0, response);
        // For the hoop, which knows whether the application has a page of its own.
        response.extensions.insert(Failed::new(self.0));
    }
}

/// Answers with this error if the application has no page of its own.
pub(crate) fn plain(error: &waxseal_http::SessionError, response: &mut Response) {
    response.status_code(error.status());
    response.render(Text::Plain(error.public_message()));
}
