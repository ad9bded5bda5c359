//! Live routes: an event stream and a WebSocket end within a second of their session, and nobody else's do.

use std::time::Duration;

use http::{HeaderName, StatusCode};
use serde_json::json;
use tokio::time::timeout;

use crate::{Application, Client, Db, events::Events, socket::Socket};

/// Within this, a stream and a socket must end after the answer that says that their session was ended.
const BOUND: Duration = Duration::from_secs(1);

/// A test that waits longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// A signed-in device whose stream and socket are both open.
struct Live {
    client: Client,
    events: Events,
    socket: Socket,
}

impl Live {
    async fn sign_in(app: &Application, user: &str) -> Self {
        let mut client = app.client();
        assert_eq!(client.form("/sign-in", &format!("user={user}")).await.status, StatusCode::OK);
        let (events, socket) = (Events::open(&client, "/events").await, Socket::open(&client, "/socket").await);
        let mut live = Self { client, events: events.unwrap(), socket: socket.unwrap() };
        live.goes_on(0).await;
        live
    }

    /// Waits for a tick whose number is at least `n`, and for the socket's echo.
    async fn goes_on(&mut self, n: u64) -> u64 {
        let going_on = async {
            self.socket.echo("naïve ☃").await;
            self.events.tick(n).await
        };
        timeout(PATIENCE, going_on).await.expect("the stream and the socket go on")
    }

    /// Both end within the bound, and say why.
    async fn have_ended(&mut self) {
        let ended = async { tokio::join!(self.events.last(), self.socket.closed()) };
        let (event, close) = timeout(BOUND, ended).await.expect("the stream and the socket end within a second");
        assert_eq!((event.as_str(), close), ("ended", (1008, "ended".into())));
        assert_eq!(self.client.get("/whoami").await.status, StatusCode::UNAUTHORIZED);
    }
}

/// In one process.
pub async fn live_routes_end_with_the_session(binary: &str, db: Db) {
    let Some(app) = Application::start(binary, db, "live", &[]).await else { return };
    live_routes_are_for_signed_in_users(&app).await;
    a_sign_out_ends_streams(&app, &app).await;
    the_applications_end_ends_streams(app).await;
}

/// With two processes over one PostgreSQL, which tells each of them of the other's sign-outs.
pub async fn live_routes_end_on_another_node(binary: &str) {
    let env = [("WAXSEAL_CACHE", "1")];
    let Some(here) = Application::start(binary, Db::Postgres, "live_nodes", &env).await else { return };
    let there = here.start_beside().await;
    a_sign_out_ends_streams(&here, &there).await;
    there.stop().await;
    here.stop().await;
}

async fn live_routes_are_for_signed_in_users(app: &Application) {
    let nobody = app.client();
    assert_eq!(Events::open(&nobody, "/events").await.err(), Some(StatusCode::UNAUTHORIZED));
    assert_eq!(Socket::open(&nobody, "/socket").await.err(), Some(StatusCode::UNAUTHORIZED));
    let mut forged = app.client();
    forged.cookie = Some("session=AAAA".into());
    assert_eq!(Socket::open(&forged, "/socket").await.err(), Some(StatusCode::UNAUTHORIZED));
    // Browsers let any page open a WebSocket anywhere.
    let mut user = app.client();
    user.form("/sign-in", "user=ada").await;
    user.headers.push((HeaderName::from_static("sec-fetch-site"), "cross-site".into()));
    assert_eq!(Socket::open(&user, "/socket").await.err(), Some(StatusCode::FORBIDDEN));
}

/// A device at `here` signs out devices at `there`; another user's stream there goes on.
async fn a_sign_out_ends_streams(here: &Application, there: &Application) {
    let mut laptop = here.client();
    laptop.form("/sign-in", "user=grace").await;
    let mut stranger = Live::sign_in(there, "Grace").await;

    // One device, by its id.
    let mut phone = Live::sign_in(there, "grace").await;
    let devices = laptop.get("/devices").await.json();
    let other = devices.as_array().unwrap().iter().find(|device| device["current"] == false).unwrap();
    let id = other["id"].as_str().unwrap();
    assert_eq!(laptop.delete(&format!("/devices/{id}")).await.json(), json!({ "signed_out": 1 }));
    phone.have_ended().await;

    // All others at once.
    let (mut phone, mut tablet) = (Live::sign_in(there, "grace").await, Live::sign_in(there, "grace").await);
    assert_eq!(laptop.post("/devices/others/sign-out").await.json(), json!({ "signed_out": 2 }));
    tokio::join!(phone.have_ended(), tablet.have_ended());

    // The same browser in another tab.
    let mut phone = Live::sign_in(there, "grace").await;
    let mut tab = Client { cookie: phone.client.cookie.clone(), ..here.client() };
    tab.post("/sign-out").await;
    phone.have_ended().await;

    // Of two ticks from now on, the second was sent after all this.
    let n = stranger.goes_on(0).await;
    stranger.goes_on(n + 2).await;
    assert_eq!(stranger.client.get("/whoami").await.status, StatusCode::OK);
}

/// Streams do not keep the application from stopping, and their clients learn that they may come back.
async fn the_applications_end_ends_streams(app: Application) {
    let mut live = Live::sign_in(&app, "ada").await;
    let ended = async { tokio::join!(live.events.last(), live.socket.closed()) };
    let (ended, ()) = tokio::join!(timeout(PATIENCE, ended), app.stop());
    assert_eq!(ended.unwrap(), ("away".into(), (1001, "away".into())));
}
