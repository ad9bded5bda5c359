//! A site: the application behind an address, which is replaced while requests run.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
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
    moved: AtomicBool,
}

impl Site {
    pub fn new(app: App) -> Self {
        Self { app: RwLock::new(app), moved: AtomicBool::new(false) }
    }

    pub async fn answer(&self, request: Request) -> Reply {
        self.app.read().await.answer(request).await
    }

    /// Replaces the application as a load balancer does that drains it: requests that have begun are finished by the old one, and
    /// those that come meanwhile wait for the new one.
    pub async fn replace(&self, app: App) {
        let mut place = self.app.write().await;
        *place = app;
        self.moved.store(true, Ordering::SeqCst);
    }

    pub fn has_moved(&self) -> bool {
        self.moved.load(Ordering::SeqCst)
    }
}
