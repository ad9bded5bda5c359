//! A client of an event stream.

use http::{Method, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value as Json;
use tokio::task::JoinHandle;

use crate::Client;

/// An event stream under way.
pub(crate) struct Events {
    body: Incoming,
    /// What has come of the next event.
    text: String,
    connection: JoinHandle<hyper::Result<()>>,
}

impl Events {
    /// The status where the application refuses.
    pub(crate) async fn open(client: &Client, path: &str) -> Result<Self, StatusCode> {
        let (head, body, connection) = client.clone().begin(Method::GET, path, "", "").await;
        if head.status != StatusCode::OK {
            return Err(head.status);
        }
        let content_type = head.headers[header::CONTENT_TYPE].to_str().unwrap();
        assert!(content_type.starts_with("text/event-stream"), "{content_type}");
        Ok(Self { body, text: String::new(), connection })
    }

    /// The next event's name and data; nothing where the stream is over.
    pub(crate) async fn next(&mut self) -> Option<(String, Json)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let lines = event.lines().filter_map(|line| line.split_once(':'));
                    let mut values = lines.filter(|(field, _)| *field == name).map(|(_, value)| value.trim_start());
                    values.next().unwrap_or_else(|| panic!("no {name} in {event:?}")).to_owned()
                };
                let event = (field("event"), serde_json::from_str(&field("data")).unwrap());
                self.text = rest.to_owned();
                return Some(event);
            }
            let Some(frame) = self.body.frame().await else {
                assert_eq!(self.text, "", "an event is cut off");
                return None;
            };
            let bytes = frame.expect("the stream is not broken off").into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    /// Waits for a `tick` whose number is at least `n`.
    pub(crate) async fn tick(&mut self, n: u64) -> u64 {
        loop {
            let (name, data) = self.next().await.expect("the stream goes on");
            assert_eq!(name, "tick");
            match data["n"].as_u64().unwrap() {
                number if number >= n => return number,
                _ => {}
            }
        }
    }

    /// Reads to the end; the name of the last event.
    pub(crate) async fn last(&mut self) -> String {
        let mut last = String::new();
        while let Some((name, _)) = self.next().await {
            last = name;
        }
        last
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.connection.abort();
    }
}
