//! A site: the application behind an address, which is replaced while requests run.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::to_bytes};
use http::{HeaderMap, header};
use poem::{Endpoint, EndpointExt, IntoEndpoint};
use salvo::{
    Service,
    test::{ResponseExt, TestClient},
};
use tokio::sync::RwLock;
use tower::ServiceExt;

use crate::browser::HOST;

/// How long a response is on its way. A load balancer that drains an application waits for that too.
const ON_THE_WAY: Duration = Duration::from_millis(3);

/// A request: its path with the query, and its `Cookie` header.
pub struct Request {
    pub path: String,
    pub cookies: String,
}

/// What a browser sees of a response.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub set_cookies: Vec<String>,
    pub body: String,
}

type Answer = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// An application on any framework.
#[derive(Clone)]
pub struct App(Arc<dyn Fn(Request) -> Answer + Send + Sync>);

impl App {
    fn new<F: Future<Output = Reply> + Send + 'static>(answer: impl Fn(Request) -> F + Send + Sync + 'static) -> Self {
        Self(Arc::new(move |request| Box::pin(answer(request))))
    }

    pub async fn answer(&self, request: Request) -> Reply {
        (self.0)(request).await
    }

    /// An application on axum.
    pub fn axum(router: Router) -> Self {
        Self::new(move |request| {
            let router = router.clone();
            async move {
                let head = http::Request::get(request.path).header(header::HOST, HOST);
                let request = head.header(header::COOKIE, request.cookies).body(axum::body::Body::empty()).unwrap();
                let (head, body) = router.oneshot(request).await.unwrap().into_parts();
                let body = to_bytes(body, 64 * 1024).await.unwrap();
                Reply::new(head.status, &head.headers, String::from_utf8(body.to_vec()).unwrap())
            }
        })
    }

    /// An application on Poem.
    pub fn poem(endpoint: impl IntoEndpoint<Endpoint: 'static>) -> Self {
        let endpoint = Arc::new(endpoint.into_endpoint().map_to_response());
        Self::new(move |request| {
            let endpoint = endpoint.clone();
            async move {
                let head = poem::Request::builder().uri_str(request.path).header(header::HOST, HOST);
                let response = endpoint.get_response(head.header(header::COOKIE, request.cookies).finish()).await;
                let (head, body) = response.into_parts();
                Reply::new(head.status, &head.headers, body.into_string().await.unwrap())
            }
        })
    }

    /// An application on Salvo.
    pub fn salvo(service: Service) -> Self {
        let service = Arc::new(service);
        Self::new(move |request| {
            let service = service.clone();
            async move {
                let client = TestClient::get(format!("https://{HOST}{}", request.path));
                let mut response = client.add_header(header::COOKIE, request.cookies, true).send(&*service).await;
                let body = response.take_string().await.unwrap();
                Reply::new(response.status_code.unwrap(), response.headers(), body)
            }
        })
    }
}

impl Reply {
    fn new(status: http::StatusCode, headers: &HeaderMap, body: String) -> Self {
        let set_cookies = headers.get_all(header::SET_COOKIE).iter().map(|set| set.to_str().unwrap().to_owned());
        Self { status: status.as_u16(), set_cookies: set_cookies.collect(), body }
    }
}

/// The address.
pub struct Site {
    app: RwLock<App>,
    under_way: AtomicU32,
    before: AtomicU32,
    after: AtomicU32,
    at_the_move: OnceLock<u32>,
}

impl Site {
    pub fn new(app: App) -> Self {
        Self {
            app: RwLock::new(app),
            under_way: AtomicU32::new(0),
            before: AtomicU32::new(0),
            after: AtomicU32::new(0),
            at_the_move: OnceLock::new(),
        }
    }

    pub async fn answer(&self, request: Request) -> Reply {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let app = self.app.read().await;
        let reply = app.answer(request).await;
        tokio::time::sleep(ON_THE_WAY).await;
        let count = if self.has_moved() { &self.after } else { &self.before };
        count.fetch_add(1, Ordering::SeqCst);
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        reply
    }

    /// Replaces the application as a load balancer does that drains it: requests that have begun are finished by the old one, and
    /// those that come meanwhile wait for the new one.
    pub async fn replace(&self, app: App) {
        let under_way = self.under_way.load(Ordering::SeqCst);
        let mut place = self.app.write().await;
        *place = app;
        self.at_the_move.set(under_way).unwrap();
    }

    pub fn has_moved(&self) -> bool {
        self.at_the_move.get().is_some()
    }

    /// How many requests were answered before the move, were under way when it began, and were answered after it.
    pub fn requests(&self) -> (u32, u32, u32) {
        let at_the_move = self.at_the_move.get().copied().unwrap_or_default();
        (self.before.load(Ordering::SeqCst), at_the_move, self.after.load(Ordering::SeqCst))
    }
}
