//! The handlers: a page for people and the same as JSON for tools.

use std::{sync::Arc, time::Duration};

use poem::{
    Body, Endpoint, Error, IntoResponse, Request, Response, Result, Route, delete, get, handler,
    http::{HeaderMap, Method, StatusCode, header},
    post,
    web::{Form, Json, Path, Query, Redirect},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use waxseal_http::{Clock, SystemClock};
use waxseal_poem::{RowId, Session, SessionError, SessionInfo, SignedIn, TypedData};

use crate::{device, page};

/// What the page keeps: a struct of its own under one key.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct ShoppingList {
    items: Vec<String>,
}

impl TypedData for ShoppingList {
    const KEY: &'static str = "shopping-list";
}

const MAX_BODY_BYTES: usize = 256 * 1024;

pub(crate) fn routes() -> Route {
    Route::new()
        .at("/", get(home))
        .at("/sign-in", post(sign_in))
        .at("/sign-out", post(sign_out))
        .at("/whoami", get(whoami))
        .at("/visits", post(visits))
        .at("/list", post(add_item))
        .at("/list/remove", post(remove_item))
        .at("/data/:key", get(read_data).put(write_data).delete(delete_data))
        .at("/devices", get(devices))
        .at("/devices/others/sign-out", post(sign_out_others))
        .at("/devices/:id", delete(revoke))
        .at("/devices/:id/sign-out", post(revoke))
        .at("/plain", get(plain))
        .at("/fail", get(fail))
        .at("/slow", get(slow))
}

/// Refuses what another site makes a browser send (OWASP CSRF Prevention Cheat Sheet, "Fetch Metadata"), beside the cookie's
/// `SameSite=Lax`. Tools that send no such header are not browsers.
pub(crate) async fn same_site_only<E: Endpoint>(next: Arc<E>, request: Request) -> Result<Response> {
    let harmless = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let from = request.header("sec-fetch-site").unwrap_or("none");
    if !harmless && !matches!(from, "same-origin" | "none") {
        return Err(Error::from_string("This form was sent from another site.", StatusCode::FORBIDDEN));
    }
    next.call(request).await.map(IntoResponse::into_response)
}

fn wants_html(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

/// Back to the page for a browser's form, JSON for a tool.
fn answer(headers: &HeaderMap, body: Value) -> Response {
    if wants_html(headers) { Redirect::see_other("/").into_response() } else { Json(body).into_response() }
}

fn html(markup: maud::Markup) -> Response {
    Response::builder()
        .content_type("text/html; charset=utf-8")
        .header(header::CACHE_CONTROL, "no-store")
        .header(
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        )
        .body(markup.into_string())
}

#[handler]
async fn home(session: Session) -> Result<Response> {
    let now = SystemClock.now();
    let flash: Option<String> = session.take("flash").await?;
    let (Some(user), Some(times)) = (session.subject().await?, session.times().await?) else {
        return Ok(html(page::signed_out(flash.as_deref())));
    };
    let view = page::View {
        user,
        visits: session.get("visits").await?.unwrap_or(0),
        list: session.typed::<ShoppingList>().get().await?.items,
        times,
        devices: session.list().await?,
    };
    Ok(html(page::signed_in(&view, now, flash.as_deref())))
}

#[derive(Deserialize)]
struct SignIn {
    user: String,
}

#[handler]
async fn sign_in(session: Session, headers: &HeaderMap, Form(form): Form<SignIn>) -> Result<Response> {
    let user = form.user.trim();
    // A real application checks a password or a passkey here, before it signs anybody in.
    if user.chars().count() > 64 || session.sign_in(user).is_err() {
        let why = "A name has 1 to 64 letters, and no control characters.";
        return Ok(if wants_html(headers) {
            html(page::signed_out(Some(why))).with_status(StatusCode::BAD_REQUEST).into_response()
        } else {
            Json(json!({ "error": why })).with_status(StatusCode::BAD_REQUEST).into_response()
        });
    }
    let user_agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    session.insert("role", "member")?;
    session.set_label(&device::name(user_agent));
    Ok(answer(headers, json!({ "user": user })))
}

#[handler]
async fn sign_out(session: Session, headers: &HeaderMap) -> Response {
    session.sign_out();
    answer(headers, json!({ "signed_out": true }))
}

#[handler]
async fn whoami(SignedIn { subject, session }: SignedIn) -> Result<Json<Value>> {
    let times = session.times().await?.ok_or(SessionError(waxseal_http::SessionError::NotSignedIn))?;
    Ok(Json(json!({
        "user": subject,
        "visits": session.get::<u64>("visits").await?.unwrap_or(0),
        "created_at": times.created_at.unix_seconds(),
        "expires_at": times.expires_at.unix_seconds(),
        "deadline": times.deadline.unix_seconds(),
    })))
}

/// Adds one, atomically: of two visits at once both count. `save` lands it now, so that the answer is the count that landed.
#[handler]
async fn visits(session: Session, headers: &HeaderMap) -> Result<Response> {
    session.update("visits", |n: Option<u64>| n.unwrap_or(0) + 1)?;
    session.save().await?;
    Ok(answer(headers, json!({ "visits": session.get::<u64>("visits").await? })))
}

#[derive(Deserialize)]
struct Item {
    item: String,
    #[serde(default)]
    index: usize,
}

#[handler]
async fn add_item(SignedIn { session, .. }: SignedIn, headers: &HeaderMap, Form(form): Form<Item>) -> Result<Response> {
    let item = form.item.trim().to_owned();
    if item.is_empty() || item.chars().count() > 80 {
        return Err(Error::from_string("An item has 1 to 80 letters.", StatusCode::BAD_REQUEST));
    }
    session.typed::<ShoppingList>().update(move |list| list.items.push(item.clone()))?;
    Ok(answer(headers, json!({ "added": true })))
}

#[handler]
async fn remove_item(
    SignedIn { session, .. }: SignedIn,
    headers: &HeaderMap,
    Form(form): Form<Item>,
) -> Result<Response> {
    session.typed::<ShoppingList>().update(move |list| {
        // The list may have changed in another tab: the item counts, the index only tells equal ones apart.
        let same = |index: &usize| list.items.get(*index) == Some(&form.item);
        if let Some(index) =
            Some(form.index).filter(same).or_else(|| list.items.iter().position(|item| *item == form.item))
        {
            list.items.remove(index);
        }
    })?;
    Ok(answer(headers, json!({ "removed": true })))
}

/// What tools keep lies beside what the page keeps, not in its way.
fn data_key(key: &str) -> String {
    format!("data.{key}")
}

#[handler]
async fn read_data(session: Session, Path(key): Path<String>) -> Result<Response> {
    Ok(match session.get::<Value>(&data_key(&key)).await? {
        Some(value) => Json(value).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    })
}

#[handler]
async fn write_data(session: Session, Path(key): Path<String>, body: Body) -> Result<StatusCode> {
    let bytes = body.into_bytes_limit(MAX_BODY_BYTES).await?;
    let value: Value = serde_json::from_slice(&bytes)
        .map_err(|error| Error::from_string(format!("The body is not JSON: {error}"), StatusCode::BAD_REQUEST))?;
    let refused = |error: SessionError| match error.0 {
        waxseal_http::SessionError::DataTooLarge { .. } => Error::new(error, StatusCode::PAYLOAD_TOO_LARGE),
        waxseal_http::SessionError::Value(_) => Error::new(error, StatusCode::BAD_REQUEST),
        _ => error.into(),
    };
    session.insert(&data_key(&key), value).map_err(refused)?;
    if let Err(error) = session.save().await {
        session.discard();
        return Err(refused(error));
    }
    Ok(StatusCode::NO_CONTENT)
}

#[handler]
fn delete_data(session: Session, Path(key): Path<String>) -> StatusCode {
    session.remove(&data_key(&key));
    StatusCode::NO_CONTENT
}

fn device_json(device: &SessionInfo) -> Value {
    json!({
        "id": device.id.to_string(),
        "label": device.label,
        "current": device.is_current,
        "created_at": device.times.created_at.unix_seconds(),
        "last_seen_at": device.times.last_seen_at.unix_seconds(),
        "expires_at": device.times.expires_at.unix_seconds(),
        "deadline": device.times.deadline.unix_seconds(),
    })
}

#[handler]
async fn devices(SignedIn { session, .. }: SignedIn) -> Result<Json<Vec<Value>>> {
    Ok(Json(session.list().await?.iter().map(device_json).collect()))
}

#[handler]
async fn sign_out_others(SignedIn { session, .. }: SignedIn, headers: &HeaderMap) -> Result<Response> {
    let ended = session.revoke_others().await?;
    if wants_html(headers) {
        let s = if ended == 1 { "" } else { "s" };
        session.insert("flash", format!("Signed out {ended} other device{s}."))?;
    }
    Ok(answer(headers, json!({ "signed_out": ended })))
}

#[handler]
async fn revoke(SignedIn { session, .. }: SignedIn, headers: &HeaderMap, Path(id): Path<String>) -> Result<Response> {
    let id: RowId =
        id.parse().map_err(|_| Error::from_string("That is not a device's id.", StatusCode::BAD_REQUEST))?;
    if !session.revoke(id).await? {
        return Err(Error::from_string(
            "You have no such device; it may be signed out already.",
            StatusCode::NOT_FOUND,
        ));
    }
    if wants_html(headers) {
        session.insert("flash", "Signed out the device.")?;
    }
    Ok(answer(headers, json!({ "signed_out": 1 })))
}

/// Touches no session.
#[handler]
fn plain() -> &'static str {
    "plain"
}

/// Changes the session and fails: the change is discarded.
#[handler]
async fn fail(session: Session) -> Result<StatusCode> {
    session.insert("failed", true)?;
    session.update("visits", |n: Option<u64>| n.unwrap_or(0) + 1000)?;
    Ok(StatusCode::INTERNAL_SERVER_ERROR)
}

#[derive(Deserialize)]
struct Slow {
    #[serde(default)]
    ms: u64,
}

/// Reads the session, waits, then sets a key.
#[handler]
async fn slow(session: Session, Query(slow): Query<Slow>) -> Result<Json<Value>> {
    let user = session.subject().await?;
    tokio::time::sleep(Duration::from_millis(slow.ms.min(60_000))).await;
    session.insert("slow", slow.ms)?;
    Ok(Json(json!({ "user": user })))
}
