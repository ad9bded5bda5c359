//! A sign-in form with "remember me".

use crate::{error::Error, recipes::sign_in::find_user::find_user};

// --- on the page ---
use std::time::Duration;

use axum::{
    Form,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use sea_orm::DatabaseConnection;
use serde::Deserialize;
use waxseal::{SignIn, axum::Session};

const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);

const PAGE: &str = r#"<!doctype html>
<form method="post" action="/sign-in">
  <label>Name <input name="name" autocomplete="username" required></label>
  <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
  <label><input name="remember_me" type="checkbox"> Stay signed in on this device</label>
  <button>Sign in</button>
</form>"#;

#[derive(Deserialize)]
pub struct SignInForm {
    name: String,
    password: String,
    /// Browsers do not send unticked checkboxes.
    remember_me: Option<String>,
}

/// `GET /sign-in`
pub async fn sign_in_page() -> Html<&'static str> {
    Html(PAGE)
}

/// `POST /sign-in`
pub async fn sign_in(
    State(db): State<DatabaseConnection>,
    session: Session,
    headers: HeaderMap,
    Form(form): Form<SignInForm>,
) -> Result<Response, Error> {
    let Some(user) = find_user(&db, &form.name, form.password).await? else {
        return Ok((StatusCode::UNAUTHORIZED, "Wrong name or password.").into_response());
    };
    let times = match form.remember_me {
        Some(_) => SignIn::new().remember(MONTH),
        None => SignIn::new().until_browser_closes(),
    };
    session.sign_in_with(&user.id.to_string(), times)?;
    // The name of this session in the user's list of devices.
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    session.set_label(agent.unwrap_or("Unknown browser"));
    Ok(Redirect::to("/").into_response())
}
