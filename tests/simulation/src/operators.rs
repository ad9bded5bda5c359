//! Everybody else: operators who sweep, restart and rotate keys, accidents, an administrator, and a thief with old cookies.

use std::sync::{Arc, atomic::Ordering};

use waxseal_http::{Store, Timestamp};

use crate::{
    application::{Ending, Request},
    cluster::Cluster,
    faults::Fault,
    node::Keys,
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
    Request { id, cookies, looks: true, acts: vec![], works_ms: [0, 0], saves: false, ending: Ending::Ok }
}

/// Ends all sessions of some user now and then.
pub(crate) async fn administrator(cluster: Arc<Cluster>) {
    let world = cluster.world.clone();
    while world.goes_on() {
        world.sleep(world.chance.between(10, 60 * world.settings.tempo_ms)).await;
        let (sessions, life) = {
            let nodes = cluster.nodes();
            match world.chance.pick(&nodes) {
                Some(Some(node)) => (node.sessions.clone(), node.life.clone()),
                _ => continue,
            }
        };
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
    let stormy = world.settings.storm > 0 && !world.settings.cuts_commits;
    while world.goes_on() {
        world.sleep(chance.between(200, 40 * world.settings.tempo_ms + 3000)).await;
        world.counts.operations.fetch_add(1, Ordering::Relaxed);
        let now = world.ms();
        match chance.below(10) {
            0..5 => {
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
            7 if keys.newest < 6 => {
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
