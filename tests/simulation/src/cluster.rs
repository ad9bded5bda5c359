//! The nodes behind a load balancer, and a request's way to one of them and back.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    task::Poll,
    time::Duration,
};

use tokio::sync::oneshot;
use waxseal_http::Sessions;

use crate::{
    application::{Request, Response, serve},
    network::Life,
    node::{Keys, Node},
    world::World,
};

/// How long the engine lets a request wait, in milliseconds.
const MAX_WAIT_MS: u64 = 10_000;

/// How many statements that change something a node may have under way.
const MAX_WRITING: u64 = 256;

/// All nodes.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) world: Arc<World>,
    nodes: Mutex<Vec<Option<Node>>>,
}

impl Cluster {
    /// Starts all nodes.
    pub(crate) fn start(world: &Arc<World>) -> Arc<Self> {
        let nodes = (0..world.settings.nodes).map(|index| Some(Node::start(world, index, Keys::default()))).collect();
        Arc::new(Self { world: world.clone(), nodes: Mutex::new(nodes) })
    }

    pub(crate) fn nodes(&self) -> MutexGuard<'_, Vec<Option<Node>>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a node's process; nothing where it does not run.
    pub(crate) fn crash(&self, index: usize) -> Option<Keys> {
        let mut node = self.nodes().get_mut(index)?.take()?;
        node.crash();
        Some(node.keys)
    }

    /// Starts a node's process.
    pub(crate) fn restart(&self, index: usize, keys: Keys) {
        let node = Node::start(&self.world, index, keys);
        self.world.model().seals_with(keys);
        if let Some(place) = self.nodes().get_mut(index) {
            *place = Some(node);
        }
    }

    /// Some node's sessions, keys and life, where it runs.
    pub(crate) fn some_node(&self) -> Option<(Sessions, Keys, Arc<Life>)> {
        let nodes = self.nodes();
        let node = self.world.chance.pick(&nodes)?.as_ref()?;
        Some((node.sessions.clone(), node.keys, node.life.clone()))
    }

    /// Sends a request to some node and waits for its response. Nothing where the node is down or crashes, where the response is lost,
    /// or where the client gives up.
    pub(crate) async fn send(&self, request: Request) -> Option<Response> {
        let world = self.world.clone();
        let chance = &world.chance;
        world.sleep(chance.below(4)).await;
        let id = request.id;
        let begins = world.ms();
        let patience_ms = MAX_WAIT_MS + request.works_ms.iter().sum::<u64>() + 500;
        let answer = {
            let mut nodes = self.nodes();
            let index = chance.below(nodes.len() as u64) as usize;
            let node = nodes.get_mut(index)?.as_mut()?;
            world.counts.requests.fetch_add(1, Ordering::Relaxed);
            world.model().begin(&request, node.keys, begins);
            world.tell(format_args!(
                "request {id} on node {index}: {:?} {:?} with {} cookies",
                request.acts,
                request.ending,
                request.cookies.len()
            ));
            if node.life.writing.load(Ordering::Relaxed) > MAX_WRITING {
                world.model().broken("bounds", format!("node {index} has too many statements under way"));
            }
            let (reply, answer) = oneshot::channel();
            let (sessions, served_world) = (node.sessions.clone(), world.clone());
            let gives_up_after = chance.permille(30).then(|| chance.between(1, 12));
            let task = tokio::spawn(async move {
                let serving = serve(&served_world, &sessions, &request);
                if let Some(response) = dropped_after(serving, gives_up_after).await {
                    served(&served_world, &request, begins, patience_ms, &response);
                    // The client may have gone.
                    let _ = reply.send(response);
                }
            });
            node.requests.retain(|request| !request.is_finished());
            node.requests.push(task.abort_handle());
            (answer, task)
        };
        let (answer, task) = answer;
        let gives_up_ms = if chance.permille(20) { chance.below(300) } else { 60_000 };
        let response = match tokio::time::timeout(Duration::from_millis(gives_up_ms), answer).await {
            Ok(answer) => answer.ok(),
            Err(_) => {
                task.abort();
                None
            }
        };
        if response.is_none() {
            world.model().finish(id, None, world.ms(), world.time_at(0));
            world.tell(format_args!("request {id} has no response"));
        }
        let way_back = if chance.permille(30) { chance.below(2000) } else { chance.below(10) };
        world.sleep(way_back).await;
        let lost = chance.permille(15);
        response.filter(|_| !lost)
    }
}

/// A node has answered.
fn served(world: &World, request: &Request, begins: u64, patience_ms: u64, response: &Response) {
    let (id, ends) = (request.id, world.ms());
    world.tell(format_args!(
        "request {id}: {} {:?} {:?} {}",
        response.status,
        response.saved,
        response.committed,
        response.error.as_deref().unwrap_or_default()
    ));
    if world.trace().prints() {
        println!("                {:?}, {} cookies", response.seen, response.cookies.len());
    }
    let mut model = world.model();
    if ends - begins > patience_ms {
        model.broken("bounds", format!("request {id} took {} ms", ends - begins));
    }
    if world.settings.cuts_commits {
        let database = world.database();
        model.check_cut(request, begins, response, |row| database.row(row).is_some());
    }
    model.finish(id, Some(response), ends, world.time_at(0));
}

/// Polls a future at most so often, and then drops it: a client that goes away at any moment.
async fn dropped_after<T>(future: impl Future<Output = T>, polls: Option<u64>) -> Option<T> {
    let mut future: Pin<Box<_>> = Box::pin(future);
    let mut left = polls.unwrap_or(u64::MAX);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}
