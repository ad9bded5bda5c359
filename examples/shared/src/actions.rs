//! What the routes do: a page for people and the same as JSON for tools.

use std::time::Duration;

use http::{HeaderMap, Method, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use waxseal_http::{Clock, RowId, Session, SessionError, SessionInfo, SignIn, TypedData};

use crate::{Answer, Config, answer::wants_html, device, page};

/// The bound on a request's body.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

type Result<T = Answer, E = SessionError> = std::result::Result<T, E>;

/// What the page keeps: a struct of its own under one key.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct ShoppingList {
    items: Vec<String>,
}

impl TypedData for ShoppingList {
    const KEY: &'static str = "shopping-list";
}

/// A form that signs in.
#[derive(Deserialize)]
pub struct SignInForm {
    pub user: String,
    /// The box "Remember me". Browsers leave it out if it is not ticked.
    pub remember: Option<String>,
}

/// A form about an item of the list.
#[derive(Deserialize)]
pub struct Item {
    pub item: String,
    #[serde(default)]
    pub index: usize,
}

/// How long to be slow.
#[derive(Deserialize)]
pub struct Slow {
    #[serde(default)]
    pub ms: u64,
}

/// Refuses what another site makes a browser send (OWASP CSRF Prevention Cheat Sheet, "Fetch Metadata"), beside the cookie's
/// `SameSite=Lax`. A WebSocket begins with a GET, but its page can read and write there. Tools that send no such header are not browsers.
pub fn refuse_other_sites(method: &Method, request: &HeaderMap) -> Option<Answer> {
    let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    let harmless = reads && !request.contains_key(header::UPGRADE);
    let from = request.get("sec-fetch-site").and_then(|site| site.to_str().ok()).unwrap_or("none");
    let refused = !harmless && !matches!(from, "same-origin" | "none");
    refused.then(|| Answer::text(StatusCode::FORBIDDEN, "This request comes from another site."))
}

pub async fn home(config: &Config, session: &Session) -> Result {
    let now = config.clock.now();
    let flash: Option<String> = session.take("flash").await?;
    let (Some(user), Some(times)) = (session.subject().await?, session.times().await?) else {
        return Ok(Answer::html(StatusCode::OK, page::signed_out(config.remember, flash.as_deref())));
    };
    let view = page::View {
        user,
        visits: session.get("visits").await?.unwrap_or(0),
        list: session.typed::<ShoppingList>().get().await?.items,
        times,
        devices: session.list().await?,
    };
    Ok(Answer::html(StatusCode::OK, page::signed_in(&view, now, flash.as_deref())))
}

pub fn sign_in(config: &Config, session: &Session, request: &HeaderMap, form: &SignInForm) -> Result {
    let user = form.user.trim();
    let times = match form.remember {
        Some(_) => SignIn::new().remember(config.remember),
        None => SignIn::new(),
    };
    // A real application checks a password or a passkey here, before it signs anybody in.
    if user.chars().count() > 64 || session.sign_in_with(user, times).is_err() {
        let why = "A name has 1 to 64 letters, and no control characters.";
        return Ok(if wants_html(request) {
            Answer::html(StatusCode::BAD_REQUEST, page::signed_out(config.remember, Some(why)))
        } else {
            Answer::json(StatusCode::BAD_REQUEST, &json!({ "error": why }))
        });
    }
    let user_agent = request.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    session.insert("role", "member")?;
    session.set_label(&device::name(user_agent));
    Ok(Answer::done(request, &json!({ "user": user })))
}

pub fn sign_out(session: &Session, request: &HeaderMap) -> Answer {
    session.sign_out();
    Answer::done(request, &json!({ "signed_out": true }))
}

pub async fn whoami(subject: &str, session: &Session) -> Result {
    let times = session.times().await?.ok_or(SessionError::NotSignedIn)?;
    let whoami = json!({
        "user": subject,
        "visits": session.get::<u64>("visits").await?.unwrap_or(0),
        "created_at": times.created_at.unix_seconds(),
        "expires_at": times.expires_at.unix_seconds(),
        "deadline": times.deadline.unix_seconds(),
    });
    Ok(Answer::json(StatusCode::OK, &whoami))
}

/// Adds one, atomically: two concurrent visits are both counted. Calls `save`, so that the response has the saved count.
pub async fn visits(session: &Session, request: &HeaderMap) -> Result {
    session.update("visits", |n: Option<u64>| n.unwrap_or(0) + 1)?;
    let saved = session.save().await?;
    tracing::debug!(?saved, "counted a visit");
    Ok(Answer::done(request, &json!({ "visits": session.get::<u64>("visits").await? })))
}

pub fn add_item(session: &Session, request: &HeaderMap, form: &Item) -> Result {
    let item = form.item.trim().to_owned();
    if item.is_empty() || item.chars().count() > 80 {
        return Ok(Answer::text(StatusCode::BAD_REQUEST, "An item has 1 to 80 letters."));
    }
    session.typed::<ShoppingList>().update(move |list| list.items.push(item.clone()))?;
    Ok(Answer::done(request, &json!({ "added": true })))
}

pub fn remove_item(session: &Session, request: &HeaderMap, form: Item) -> Result {
    session.typed::<ShoppingList>().update(move |list| {
        // The list may have changed in another tab: the item counts, the index only tells equal ones apart.
        let same = |index: &usize| list.items.get(*index) == Some(&form.item);
        if let Some(index) =
            Some(form.index).filter(same).or_else(|| list.items.iter().position(|item| *item == form.item))
        {
            list.items.remove(index);
        }
    })?;
    Ok(Answer::done(request, &json!({ "removed": true })))
}

/// The session key for a tool's data. The prefix keeps it from overwriting the page's data.
fn data_key(key: &str) -> String {
    format!("data.{key}")
}

pub async fn read_data(session: &Session, key: &str) -> Result {
    Ok(match session.get::<Value>(&data_key(key)).await? {
        Some(value) => Answer::json(StatusCode::OK, &value),
        None => Answer::empty(StatusCode::NOT_FOUND),
    })
}

pub async fn write_data(session: &Session, key: &str, body: &[u8]) -> Result {
    let value: Value = match serde_json::from_slice(body) {
        Ok(value) => value,
        Err(error) => return Ok(Answer::text(StatusCode::BAD_REQUEST, format!("The body is not JSON: {error}"))),
    };
    let saved = async {
        session.insert(&data_key(key), value)?;
        session.save().await
    };
    let (status, error) = match saved.await {
        Ok(_) => return Ok(Answer::empty(StatusCode::NO_CONTENT)),
        Err(error @ SessionError::DataTooLarge { .. }) => (StatusCode::PAYLOAD_TOO_LARGE, error),
        Err(error @ SessionError::Value(_)) => (StatusCode::BAD_REQUEST, error),
        Err(error) => return Err(error),
    };
    // Drops the refused change, so that the session stays as it was.
    session.discard();
    Ok(Answer::text(status, error.to_string()))
}

pub fn delete_data(session: &Session, key: &str) -> Answer {
    session.remove(&data_key(key));
    Answer::empty(StatusCode::NO_CONTENT)
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

pub async fn devices(session: &Session) -> Result {
    Ok(Answer::json(StatusCode::OK, &session.list().await?.iter().map(device_json).collect()))
}

pub async fn sign_out_others(session: &Session, request: &HeaderMap) -> Result {
    let ended = session.revoke_others().await?;
    if wants_html(request) {
        let s = if ended == 1 { "" } else { "s" };
        session.insert("flash", format!("Signed out {ended} other device{s}."))?;
    }
    Ok(Answer::done(request, &json!({ "signed_out": ended })))
}

pub async fn revoke(session: &Session, request: &HeaderMap, id: &str) -> Result {
    let Ok(id) = id.parse::<RowId>() else {
        return Ok(Answer::text(StatusCode::BAD_REQUEST, "That is not a device's id."));
    };
    if !session.revoke(id).await? {
        return Ok(Answer::text(StatusCode::NOT_FOUND, "You have no such device; it may be signed out already."));
    }
    if wants_html(request) {
        session.insert("flash", "Signed out the device.")?;
    }
    Ok(Answer::done(request, &json!({ "signed_out": 1 })))
}

/// Touches no session.
pub fn plain() -> &'static str {
    "plain"
}

/// Changes the session and fails: the change is discarded.
pub fn fail(session: &Session) -> Result {
    session.insert("failed", true)?;
    session.update("visits", |n: Option<u64>| n.unwrap_or(0) + 1000)?;
    Ok(Answer::empty(StatusCode::INTERNAL_SERVER_ERROR))
}

/// Reads the session, waits, then sets a key.
pub async fn slow(session: &Session, slow: &Slow) -> Result {
    let user = session.subject().await?;
    tokio::time::sleep(Duration::from_millis(slow.ms.min(60_000))).await;
    session.insert("slow", slow.ms)?;
    Ok(Answer::json(StatusCode::OK, &json!({ "user": user })))
}
