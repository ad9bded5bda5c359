//! Everybody else: operators who sweep, restart and rotate keys, accidents, an administrator, and a thief with old cookies.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use waxseal_http::{Store, Timestamp};

use crate::{
    application::{Act, Ending, Request, open},
    cluster::Cluster,
    faults::Fault,
    node::Keys,
    settings::Reads,
};

/// Presents cookies that were sent some time ago, most of them ended.
pub(crate) async fn thief(cluster: Arc<Cluster>) {
    let world = cluster.world.clone();
    while world.goes_on() {
        world.sleep(world.chance.below(4 * world.settings.tempo_ms + 50)).await;
        let cookie = world.model().some_cookie(&world.chance);
        if let Some(cookie) = cookie {
            let _ = cluster.send(look(world.fresh(), cookie)).await;
        }
    }
}

/// A request that only reads.
pub(crate) fn look(id: u64, cookie: String) -> Request {
    let cookies = vec![cookie];
    Request {
        id,
        cookies,
        looks: true,
        acts: vec![],
        works_ms: [0, 0],
        saves: false,
        saves_again: 0,
        ending: Ending::Ok,
    }
}

/// Ends all sessions of some user now and then.
pub(crate) async fn administrator(cluster: Arc<Cluster>) {
    let world = cluster.world.clone();
    while world.goes_on() {
        world.sleep(world.chance.between(10, 60 * world.settings.tempo_ms)).await;
        let Some((sessions, _, life)) = cluster.some_node() else { continue };
        let user = format!("user{}", world.chance.below(world.settings.users as u64));
        let (by, start) = (world.fresh(), world.ms());
        world.counts.operations.fetch_add(1, Ordering::Relaxed);
        world.tell(format_args!("node {}  ends all sessions of {user}", life.node));
        world.model().revocation_begins(by, &user, start);
        let revoked = {
            let user = user.clone();
            // It unwinds where its node crashes.
            tokio::spawn(async move { sessions.revoke_all(&user).await }).await
        };
        let done = matches!(revoked, Ok(Ok(_)));
        world.tell(format_args!("all sessions of {user} ended: {done}"));
        world.model().revocation_ends(by, &user, start, done, world.ms());
    }
}

/// Watches event streams, which must end with their sessions, and not before.
pub(crate) async fn viewer(cluster: Arc<Cluster>) {
    let world = cluster.world.clone();
    while world.goes_on() {
        world.sleep(world.chance.below(10 * world.settings.tempo_ms) + 20).await;
        let (cookie, node) = (world.model().some_cookie(&world.chance), cluster.some_node());
        let (Some(cookie), Some((sessions, keys, life))) = (cookie, node) else { continue };
        let (session, start) = (open(&sessions, std::slice::from_ref(&cookie)), world.ms());
        // It unwinds where its node crashes.
        let stream = tokio::spawn(async move { session.ended().await });
        let client = stream.abort_handle();
        let watched = tokio::time::timeout(Duration::from_secs(world.chance.between(5, 60)), stream).await;
        client.abort();
        let ended = match watched {
            Ok(Ok(Ok(()))) => true,
            Err(_) if life.is_alive() => false,
            _ => continue,
        };
        world.counts.operations.fetch_add(1, Ordering::Relaxed);
        world.tell(format_args!("node {}  a stream ended: {ended}", life.node));
        let slack_ms = if world.settings.storm > 0 { 30_000 } else { 2000 };
        world.model().streamed(&cookie, keys, ended, slack_ms, [start, world.ms()]);
    }
}

/// Many requests with one cookie at once, most of them given up.
pub(crate) async fn crowd(cluster: Arc<Cluster>) {
    let world = cluster.world.clone();
    world.sleep(world.chance.between(500, 5000)).await;
    let Some(cookie) = world.model().some_cookie(&world.chance) else { return };
    let mut all = Vec::new();
    for _ in 0..400 {
        let acts = vec![Act::Note(Some(world.fresh()))];
        let request = Request { acts, looks: world.chance.one_in(2), ..look(world.fresh(), cookie.clone()) };
        let cluster = cluster.clone();
        all.push(tokio::spawn(async move { cluster.send(request).await }));
    }
    for request in all {
        // What it answers, the model has checked.
        let _ = request.await;
    }
}

/// Deletes what has expired, as the sweeper does, by the store's time.
pub(crate) async fn sweeper(cluster: Arc<Cluster>) {
    let world = cluster.world.clone();
    while world.goes_on() {
        world.sleep(world.chance.between(1000, 60_000)).await;
        let (line, ahead_ms) = {
            let nodes = cluster.nodes();
            match world.chance.pick(&nodes) {
                Some(Some(node)) => (node.line.clone(), node.ahead_ms),
                _ => continue,
            }
        };
        world.counts.operations.fetch_add(1, Ordering::Relaxed);
        let by_node = world.fault == Some(Fault::SweeperByNodeTime);
        let node_time = Timestamp::from_unix_ms(world.time().unix_ms().saturating_add_signed(ahead_ms));
        // It unwinds where its node crashes; errors are for the next sweep.
        let _ = tokio::spawn(async move {
            let now = if by_node { node_time } else { line.now().await?.unwrap_or(node_time) };
            line.delete_expired(now, 500).await
        })
        .await;
    }
}

/// Crashes nodes, rotates keys, fails over and stops the database.
pub(crate) async fn accidents(cluster: Arc<Cluster>) {
    let world = cluster.world.clone();
    let chance = &world.chance;
    let mut keys = Keys::default();
    let nodes = world.settings.nodes;
    let crashes = world.settings.reads != Reads::OneProcess;
    let stormy = world.settings.storm > 0 && !world.settings.cuts_commits;
    while world.goes_on() {
        world.sleep(chance.between(200, 40 * world.settings.tempo_ms + 3000)).await;
        world.counts.operations.fetch_add(1, Ordering::Relaxed);
        let now = world.ms();
        match chance.below(10) {
            0..5 if crashes => {
                let index = chance.below(nodes as u64) as usize;
                let Some(had) = cluster.crash(index) else { continue };
                world.injected(format_args!("node {index}  crashes"));
                world.sleep(chance.below(3000)).await;
                cluster.restart(index, had);
            }
            5 if stormy => {
                let until = now + chance.between(20, 8000);
                world.injected(format_args!("the database fails over until {until} ms"));
                world.weather().read_only_until_ms = until;
            }
            6 if stormy => {
                let until = now + chance.between(20, 4000);
                world.injected(format_args!("the database is down until {until} ms"));
                world.weather().down_until_ms = until;
            }
            7 if crashes && keys.newest < 6 => {
                let newest = keys.newest + 1;
                // Every node must open with the new key before one seals with it.
                let stages: &[Keys] = if world.settings.hasty_rotation {
                    &[Keys { newest, primary: newest }]
                } else {
                    &[Keys { newest, primary: keys.primary }, Keys { newest, primary: newest }]
                };
                for stage in stages {
                    for index in 0..nodes {
                        cluster.crash(index);
                        world.sleep(chance.below(1000)).await;
                        cluster.restart(index, *stage);
                    }
                }
                keys = Keys { newest, primary: newest };
            }
            _ => {
                let mut copies = world.copies();
                if let Some(copy) = copies.get_mut(chance.below(nodes as u64) as usize) {
                    copy.lags_anew(chance);
                }
            }
        }
    }
}
