//! The handler of a sign-in form in axum.

use sea_orm::DatabaseConnection;

use crate::{
    error::Error,
    recipes::sign_in::find_user::{SignInForm, find_user},
};

// --- on the page ---
use axum::{
    Form,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use waxseal::axum::Session;

pub async fn sign_in(
    State(db): State<DatabaseConnection>,
    session: Session,
    Form(form): Form<SignInForm>,
) -> Result<Response, Error> {
    let Some(user) = find_user(&db, &form.name, form.password).await? else {
        return Ok((StatusCode::UNAUTHORIZED, "Wrong name or password.").into_response());
    };
    session.sign_in(&user.id.to_string())?;
    Ok(Redirect::to("/").into_response())
}
