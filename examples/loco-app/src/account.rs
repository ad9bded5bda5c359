//! Sign-in, sign-out, and a page for the user who is signed in.

use loco_rs::prelude::*;
use serde::Deserialize;
use waxseal::axum::{Session, SignedIn};

use crate::error::AppError;

pub(crate) fn routes() -> Routes {
    Routes::new()
        .prefix("account")
        .add("/", get(show))
        .add("/devices", get(devices))
        .add("/sign-in", post(sign_in))
        .add("/sign-out", post(sign_out))
}

#[derive(Deserialize)]
struct SignInForm {
    user: String,
}

async fn sign_in(session: Session, Form(form): Form<SignInForm>) -> Result<Response, AppError> {
    // Check the password here, and sign in with the user's id.
    session.sign_in(&form.user)?;
    Ok(format::json(data!({ "signed_in": form.user }))?)
}

/// 401 if the user is not signed in. `?` works on a session, on the database and on Loco's functions.
async fn show(State(ctx): State<AppContext>, user: SignedIn) -> Result<Response, AppError> {
    user.session.update("visits", |n: Option<u64>| n.unwrap_or(0) + 1)?;
    let visits: Option<u64> = user.session.get("visits").await?;
    ctx.db.ping().await?;
    Ok(format::json(data!({ "user": user.subject, "visits": visits }))?)
}

/// How many devices the user is signed in on. `?` responds 401 if nobody is signed in, and 503 if the database fails.
async fn devices(session: Session) -> Result<Response, AppError> {
    let devices = session.list().await?;
    Ok(format::json(data!({ "devices": devices.len() }))?)
}

async fn sign_out(session: Session) -> Result<Response, AppError> {
    session.sign_out();
    Ok(format::json(data!({ "signed_in": null }))?)
}
