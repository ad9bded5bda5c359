//! "Remember me": how long a session and its cookie last with the box and without, by a clock that the test moves.

use http::header;
use tempfile::NamedTempFile;

use crate::{Answer, Application, Client, Db};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The application's clock, ahead of the operating system's.
struct TestClock(NamedTempFile);

impl TestClock {
    fn new() -> Self {
        let clock = Self(NamedTempFile::new().unwrap());
        clock.set_ahead(0);
        clock
    }

    fn set_ahead(&self, seconds: u64) {
        std::fs::write(self.0.path(), seconds.to_string()).unwrap();
    }

    fn env(&self) -> (&str, &str) {
        ("WAXSEAL_EXAMPLE_CLOCK", self.0.path().to_str().unwrap())
    }
}

fn max_age(answer: &Answer) -> u64 {
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
    let (_, max_age) = cookie.split_once("Max-Age=").unwrap_or_else(|| panic!("{cookie}"));
    max_age.split(';').next().unwrap().parse().unwrap()
}

/// `expires_at` and `deadline` of this device in the list, in seconds after its sign-in.
async fn listed_times(client: &mut Client) -> (u64, u64) {
    let devices = client.get("/devices").await.json();
    let current = devices.as_array().unwrap().iter().find(|device| device["current"] == true).unwrap();
    let second = |name: &str| current[name].as_u64().unwrap();
    (second("expires_at") - second("created_at"), second("deadline") - second("created_at"))
}

/// A remembered device stays signed in for 30 days, used or not; another one as configured.
pub async fn remember_me(binary: &str, db: Db) {
    let clock = TestClock::new();
    let Some(app) = Application::start(binary, db, "remember", &[clock.env()]).await else { return };
    let (mut own, mut shared) = (app.client(), app.client());
    let form = own.get("/").await.text();
    assert!(form.contains("name=\"remember\"") && form.contains("Remember me on this device for 30 days"), "{form}");

    // The cookie and the list of devices.
    assert_eq!(max_age(&own.form("/sign-in", "user=ada&remember=1").await), 30 * DAY);
    assert_eq!(max_age(&shared.form("/sign-in", "user=ada").await), 8 * HOUR);
    assert_eq!(listed_times(&mut own).await, (30 * DAY, 30 * DAY));
    assert_eq!(listed_times(&mut shared).await, (30 * MINUTE, 8 * HOUR));
    for client in [&mut own, &mut shared] {
        let page = client.get("/").await.text();
        assert!(page.contains("Ends in 30 days, used or not"), "{page}");
        assert!(page.contains("Ends in 30 minutes if not used, in 8 hours at the latest"), "{page}");
    }

    // Signing in again is a new choice.
    assert_eq!(max_age(&own.form("/sign-in", "user=ada").await), 8 * HOUR);
    assert_eq!(max_age(&own.form("/sign-in", "user=ada&remember=1").await), 30 * DAY);

    // Time goes by.
    clock.set_ahead(31 * MINUTE);
    assert_eq!(shared.get("/whoami").await.status, 401);
    clock.set_ahead(20 * DAY);
    let app = app.restart().await;
    let mut own = app.adopt(own);
    assert_eq!(own.get("/whoami").await.json()["user"], "ada");
    let page = own.get("/").await.text();
    assert!(page.contains("Ends in 10 days, used or not"), "{page}");
    clock.set_ahead(30 * DAY + MINUTE);
    assert_eq!(own.get("/whoami").await.status, 401);

    app.stop().await;
}

/// `WAXSEAL_REMEMBER` says how long that is.
pub async fn remember_me_as_configured(binary: &str) {
    let env = [("WAXSEAL_REMEMBER", "259200")];
    let app = Application::start(binary, Db::Sqlite, "remember_as_configured", &env).await.unwrap();
    let mut client = app.client();
    assert!(client.get("/").await.text().contains("Remember me on this device for 3 days"));
    assert_eq!(max_age(&client.form("/sign-in", "user=ada&remember=on").await), 3 * DAY);
    app.stop().await;
}
