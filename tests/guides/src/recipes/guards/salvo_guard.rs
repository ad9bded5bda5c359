//! The check of where a request comes from, around all routes in Salvo.

use crate::recipes::csrf::is_forged;

// --- on the page ---
use salvo::prelude::*;

#[handler]
pub async fn same_origin_only(req: &mut Request, res: &mut Response, ctrl: &mut FlowCtrl) {
    if is_forged(req.method(), req.uri(), req.headers()) {
        res.status_code(StatusCode::FORBIDDEN);
        ctrl.skip_rest();
    }
}

pub fn app(routes: Router) -> Router {
    Router::new().hoop(same_origin_only).push(routes)
}
