//! The handler of a sign-in form in Poem.

use sea_orm::DatabaseConnection;

use crate::recipes::sign_in::find_user::{SignInForm, find_user};

// --- on the page ---
use poem::{
    IntoResponse, Response,
    error::ServiceUnavailable,
    handler,
    http::StatusCode,
    web::{Data, Form, Redirect},
};
use waxseal::poem::Session;

#[handler]
pub async fn sign_in(
    db: Data<&DatabaseConnection>,
    session: Session,
    Form(form): Form<SignInForm>,
) -> poem::Result<Response> {
    let Some(user) = find_user(&db, &form.name, form.password).await.map_err(ServiceUnavailable)? else {
        return Ok(StatusCode::UNAUTHORIZED.with_body("Wrong name or password.").into_response());
    };
    session.sign_in(&user.id.to_string())?;
    Ok(Redirect::see_other("/").into_response())
}
