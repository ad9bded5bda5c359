//! The handler of a sign-in form in Salvo.

use sea_orm::DatabaseConnection;

use crate::recipes::sign_in::find_user::{SignInForm, find_user};

// --- on the page ---
use salvo::prelude::*;
use waxseal::salvo::Session;

#[handler]
pub async fn sign_in(
    session: Session,
    req: &mut Request,
    depot: &mut Depot,
    res: &mut Response,
) -> Result<(), StatusError> {
    let form = req.parse_form::<SignInForm>().await.map_err(|_| StatusError::bad_request())?;
    // The router has the hoop `affix_state::inject(db)`.
    let db = depot.get_typed::<DatabaseConnection>().map_err(|_| StatusError::internal_server_error())?;
    let found = find_user(db, &form.name, form.password).await;
    let Some(user) = found.map_err(|_| StatusError::service_unavailable())? else {
        return Err(StatusError::unauthorized().brief("Wrong name or password."));
    };
    // It fails only where this cannot be a subject.
    session.sign_in(&user.id.to_string()).map_err(|_| StatusError::internal_server_error())?;
    res.render(Redirect::other("/"));
    Ok(())
}
