//! A session's error as Salvo answers it.

use salvo_core::{Response, Scribe, writing::Text};

waxseal_http::framework_error!();

impl Scribe for SessionError {
    fn render(self, response: &mut Response) {
        response.status_code(self.0.status());
        response.render(Text::Plain(self.0.public_message()));
    }
}
