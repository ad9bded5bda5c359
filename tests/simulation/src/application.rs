//! The application that every node runs: a request's acts on its session, and what its response says.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use waxseal_http::{Outcome, RowId, Session, SessionError, Sessions, SignIn};

use crate::{faults::Fault, world::World};

/// The values that the application keeps: a list to which each request adds a number of its own, a note, and a one-time code.
const LOG: &str = "log";
const NOTE: &str = "note";
const CODE: &str = "code";

/// What a request does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Append(u64),
    Note(Option<u64>),
    PutCode(u64),
    TakeCode,
    SignIn { user: String, remember: bool },
    SignOut,
    Renew,
    Revoke(RowId),
    RevokeOthers,
    List,
}

/// How a handler ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Ok,
    /// With a 500 of the application's own.
    Fails,
    /// It discards what it did.
    Discards,
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) id: u64,
    /// The values of its session cookies, in their order.
    pub(crate) cookies: Vec<String>,
    /// Whether the handler reads the session first.
    pub(crate) looks: bool,
    pub(crate) acts: Vec<Act>,
    /// How long the handler works before its acts and after them, in milliseconds.
    pub(crate) works_ms: [u64; 2],
    /// Whether it saves before it answers.
    pub(crate) saves: bool,
    /// How often it tries again to save if the database fails.
    pub(crate) saves_again: u64,
    pub(crate) ending: Ending,
}

/// What a handler read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) id: Option<RowId>,
    pub(crate) subject: Option<String>,
    pub(crate) log: Vec<u64>,
    pub(crate) note: Option<u64>,
}

/// What came of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Its `Set-Cookie` headers.
    pub(crate) cookies: Vec<String>,
    pub(crate) seen: Option<Seen>,
    pub(crate) listed: Option<Vec<RowId>>,
    /// The session whose end was asked for by its id, and has ended.
    pub(crate) revoked: Option<RowId>,
    pub(crate) revoked_others: bool,
    /// What became of the handler's own save.
    pub(crate) saved: Option<Outcome>,
    /// What became of the commit.
    pub(crate) committed: Option<Outcome>,
    pub(crate) error: Option<String>,
}

/// The session that these cookies present.
pub(crate) fn open(sessions: &Sessions, cookies: &[String]) -> Session {
    let mut headers = HeaderMap::new();
    for cookie in cookies {
        if let Ok(value) = HeaderValue::try_from(format!("{}={cookie}", sessions.cookie_name())) {
            headers.append(header::COOKIE, value);
        }
    }
    sessions.open(&headers)
}

/// Serves a request.
pub(crate) async fn serve(world: &World, sessions: &Sessions, request: &Request) -> Response {
    let session = open(sessions, &request.cookies);
    let mut response = Response::default();
    let handled = handle(world, &session, request, &mut response).await;
    let status = match (&handled, request.ending) {
        (Err(error), _) => error.status(),
        (Ok(()), Ending::Fails) => StatusCode::INTERNAL_SERVER_ERROR,
        (Ok(()), _) => StatusCode::OK,
    };
    response.error = handled.err().map(|error| error.to_string());
    let mut headers = HeaderMap::new();
    let committed = sessions.commit(&session, status, &mut headers).await;
    response.status = match &committed {
        Ok(_) if status.is_success() && response.saved.is_some_and(|saved| !saved.is_kept()) => 409,
        Ok(outcome) if !outcome.is_kept() && status.is_success() => 409,
        Ok(_) => status.as_u16(),
        Err(error) => {
            sessions.write_headers(&session, &mut headers);
            error.status().as_u16()
        }
    };
    match committed {
        Ok(outcome) => response.committed = Some(outcome),
        Err(error) => response.error = Some(error.to_string()),
    }
    let cookies = headers.get_all(header::SET_COOKIE).iter();
    response.cookies = cookies.filter_map(|value| value.to_str().ok()).map(String::from).collect();
    response
}

async fn handle(
    world: &World,
    session: &Session,
    request: &Request,
    response: &mut Response,
) -> Result<(), SessionError> {
    if request.looks {
        response.seen = Some(Seen {
            id: session.id().await?,
            subject: session.subject().await?,
            log: session.get(LOG).await?.unwrap_or_default(),
            note: session.get(NOTE).await?,
        });
    }
    if request.works_ms[0] > 0 {
        world.sleep(request.works_ms[0]).await;
    }
    for act in &request.acts {
        carry_out(world, session, act, response).await?;
    }
    if request.saves {
        let mut saved = session.save().await;
        for _ in 0..request.saves_again {
            // A sign-in that was refused is forgotten, with everything beside it.
            if !matches!(&saved, Err(error) if error.status().is_server_error()) {
                break;
            }
            saved = session.save().await;
        }
        response.saved = Some(saved?);
    }
    if request.works_ms[1] > 0 {
        world.sleep(request.works_ms[1]).await;
    }
    if request.ending == Ending::Discards {
        session.discard();
    }
    Ok(())
}

async fn carry_out(world: &World, session: &Session, act: &Act, response: &mut Response) -> Result<(), SessionError> {
    match act {
        Act::Append(number) => {
            let number = *number;
            session.update(LOG, move |log: Option<Vec<u64>>| {
                let mut log = log.unwrap_or_default();
                log.push(number);
                log
            })?;
        }
        Act::Note(Some(number)) => session.insert(NOTE, number)?,
        Act::Note(None) => session.remove(NOTE),
        Act::PutCode(number) => session.insert(CODE, number)?,
        Act::TakeCode => {
            let taken: Option<u64> = if world.fault == Some(Fault::TakenTwice) {
                session.take(CODE).await?
            } else {
                session.take_once(CODE).await?
            };
            if let Some(code) = taken {
                world.model().taken(code);
            }
        }
        Act::SignIn { user, remember } => {
            let lifetime = std::time::Duration::from_secs(world.settings.lifetime_s * 2);
            let terms = if *remember { SignIn::new().remember(lifetime) } else { SignIn::new() };
            session.sign_in_with(user, terms)?;
        }
        Act::SignOut => session.sign_out(),
        Act::Renew => session.renew(),
        Act::Revoke(id) => {
            session.revoke(*id).await?;
            response.revoked = Some(*id);
        }
        Act::RevokeOthers => {
            session.revoke_others().await?;
            response.revoked_others = true;
        }
        Act::List => {
            let list = session.list().await?;
            response.listed = Some(list.into_iter().map(|info| info.id).collect());
        }
    }
    Ok(())
}
