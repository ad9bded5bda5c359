//! Scripts: what a test makes a handler do with its session.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use tokio::sync::Semaphore;
use waxseal_http::{Session, SessionError, SignIn};

/// One thing that a handler does. Each gives one entry of [`Reply::results`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Step {
    Get(String),
    Insert(String, Json),
    /// Adds one by `update`.
    Increment(String),
    Remove(String),
    Take(String),
    TakeOnce(String),
    Clear,
    Discard,
    Keys,
    IsNew,
    Subject,
    TicketSubject,
    TicketClaims,
    /// `[created, seen, expires, deadline]` in unix seconds, or null.
    Times,
    Id,
    SignIn(String),
    /// Signs in for so many seconds, "remember me".
    Remember(String, u64),
    SignOut,
    Renew,
    Destroy,
    SetLabel(String),
    Save,
    /// A save whose error the handler does not pass on.
    TrySave,
    List,
    Revoke(String),
    RevokeOthers,
    /// Tells the test that it was reached and waits to be released.
    Pause(String),
    /// The response's status.
    Status(u16),
    /// Adds a header to the response.
    Header(String, String),
    /// Adds a cookie of the handler's own to the response, as the framework has it.
    Cookie(String),
    /// The handler fails with this status, in the framework's own way.
    Fail(u16),
}

/// What a script did.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub failed: bool,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub cookies: Vec<String>,
    pub results: Vec<Json>,
}

impl Reply {
    /// Adds its headers, and its cookies as headers, for frameworks that have them so.
    pub fn write_headers(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.headers {
            headers.append(name, value.clone());
        }
        for name in &self.cookies {
            headers.append(header::SET_COOKIE, HeaderValue::try_from(format!("{name}=own")).unwrap());
        }
    }
}

/// Where scripts wait for each other.
#[derive(Clone, Default)]
pub struct Gates(Arc<Mutex<HashMap<String, Gate>>>);

#[derive(Clone)]
struct Gate {
    reached: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

impl Gates {
    fn gate(&self, name: &str) -> Gate {
        let new = || Gate { reached: Arc::new(Semaphore::new(0)), open: Arc::new(Semaphore::new(0)) };
        self.0.lock().unwrap().entry(name.into()).or_insert_with(new).clone()
    }

    async fn pause(&self, name: &str) {
        let gate = self.gate(name);
        gate.reached.add_permits(1);
        gate.open.acquire().await.unwrap().forget();
    }

    /// Waits until `count` scripts pause here.
    pub async fn reached(&self, name: &str, count: u32) {
        self.gate(name).reached.acquire_many(count).await.unwrap().forget();
    }

    /// Lets `count` scripts go on.
    pub fn release(&self, name: &str, count: usize) {
        self.gate(name).open.add_permits(count);
    }
}

/// Runs a script on a session.
pub async fn interpret(session: &Session, steps: &[Step], gates: &Gates) -> Result<Reply, SessionError> {
    let mut reply = Reply { status: 200, failed: false, headers: Vec::new(), cookies: Vec::new(), results: Vec::new() };
    for step in steps {
        let result = match step {
            Step::Get(key) => json!(session.get::<Json>(key).await?),
            Step::Insert(key, value) => session.insert(key, value).map(|()| Json::Null)?,
            Step::Increment(key) => {
                session.update(key, |n: Option<u64>| n.unwrap_or(0) + 1)?;
                Json::Null
            }
            Step::Remove(key) => {
                session.remove(key);
                done(())
            }
            Step::Take(key) => json!(session.take::<Json>(key).await?),
            Step::TakeOnce(key) => json!(session.take_once::<Json>(key).await?),
            Step::Clear => {
                session.clear();
                done(())
            }
            Step::Discard => {
                session.discard();
                done(())
            }
            Step::Keys => json!(session.keys().await?),
            Step::IsNew => json!(session.is_new().await?),
            Step::Subject => json!(session.subject().await?),
            Step::TicketSubject => json!(session.ticket_subject()),
            Step::TicketClaims => json!(session.ticket_claims()),
            Step::Times => json!(session.times().await?.map(|times| {
                [times.created_at, times.last_seen_at, times.expires_at, times.deadline].map(|time| time.unix_seconds())
            })),
            Step::Id => json!(session.id().await?.map(|id| id.to_string())),
            Step::SignIn(subject) => session.sign_in(subject).map(|()| Json::Null)?,
            Step::Remember(subject, seconds) => {
                let sign_in = SignIn::new().remember(Duration::from_secs(*seconds));
                session.sign_in_with(subject, sign_in).map(|()| Json::Null)?
            }
            Step::SignOut => {
                session.sign_out();
                done(())
            }
            Step::Renew => {
                session.renew();
                done(())
            }
            Step::Destroy => {
                session.destroy();
                done(())
            }
            Step::SetLabel(label) => {
                session.set_label(label);
                done(())
            }
            Step::TrySave => json!(session.save().await.is_ok()),
            Step::Save => json!(format!("{:?}", session.save().await?)),
            Step::List => session
                .list()
                .await?
                .into_iter()
                .map(|info| json!({ "id": info.id.to_string(), "label": info.label, "current": info.is_current }))
                .collect(),
            Step::Revoke(id) => json!(session.revoke(id.parse().unwrap()).await?),
            Step::RevokeOthers => json!(session.revoke_others().await?),
            Step::Pause(name) => {
                gates.pause(name).await;
                Json::Null
            }
            Step::Status(status) => {
                reply.status = *status;
                Json::Null
            }
            Step::Header(name, value) => {
                reply.headers.push((name.parse().unwrap(), value.parse().unwrap()));
                Json::Null
            }
            Step::Cookie(name) => {
                reply.cookies.push(name.clone());
                Json::Null
            }
            Step::Fail(status) => {
                reply.status = *status;
                reply.failed = true;
                break;
            }
        };
        reply.results.push(result);
    }
    Ok(reply)
}

fn done((): ()) -> Json {
    Json::Null
}
