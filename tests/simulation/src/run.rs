//! One run: a seed's set-up, its main part, and an audit when the storm is over.

use std::sync::{Arc, atomic::Ordering};

use tokio::runtime::{Builder, Handle};

use crate::{
    browser::Browser, cluster::Cluster, faults::Fault, model::Violation, node::Keys, operators, weather::Weather,
    world::World,
};

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Report {
    pub seed: u64,
    pub violation: Option<Violation>,
    /// The hash of the trace.
    pub hash: u64,
    /// Requests, statements and operations.
    pub steps: u64,
    pub requests: u64,
    pub faults: u64,
}

/// Runs a seed, with a deliberate fault where one is given; `prints` shows the trace.
pub fn run(seed: u64, fault: Option<Fault>, prints: bool) -> Report {
    let runtime = match Builder::new_current_thread().enable_time().start_paused(true).build() {
        Ok(runtime) => runtime,
        Err(error) => unreachable!("a runtime of one thread: {error}"),
    };
    let report = runtime.block_on(simulate(seed, fault, prints));
    runtime.shutdown_background();
    report
}

async fn simulate(seed: u64, fault: Option<Fault>, prints: bool) -> Report {
    let world = Arc::new(World::new(seed, fault, prints));
    world.tell(format_args!("seed {seed}: {:?}", world.settings));
    let cluster = Cluster::start(&world);
    let mut tasks = Vec::new();
    for _ in 0..world.settings.browsers {
        let browser = Browser::new(&cluster, world.chance.below(world.settings.users as u64));
        for _ in 0..world.chance.between(1, 3) {
            tasks.push(tokio::spawn(browser.clone().tab()));
        }
    }
    tasks.push(tokio::spawn(operators::thief(cluster.clone())));
    tasks.push(tokio::spawn(operators::viewer(cluster.clone())));
    if world.chance.one_in(20) {
        tasks.push(tokio::spawn(operators::crowd(cluster.clone())));
    }
    tasks.push(tokio::spawn(operators::administrator(cluster.clone())));
    tasks.push(tokio::spawn(operators::sweeper(cluster.clone())));
    tasks.push(tokio::spawn(operators::accidents(cluster.clone())));
    for task in tasks {
        if let Err(error) = task.await {
            world.model().broken("simulation", format!("a part of the simulation ended: {error}"));
        }
    }
    audit(&world, &cluster).await;
    for index in 0..world.settings.nodes {
        cluster.crash(index);
    }
    let (counts, trace) = (&world.counts, world.trace());
    let requests = counts.requests.load(Ordering::Relaxed);
    Report {
        seed,
        violation: world.model().violation().cloned(),
        hash: trace.hash(),
        steps: requests + counts.statements.load(Ordering::Relaxed) + counts.operations.load(Ordering::Relaxed),
        requests,
        faults: counts.faults.load(Ordering::Relaxed),
    }
}

/// The storm is over: every cookie that was ever sent is presented once more, and nothing may be left under way.
async fn audit(world: &Arc<World>, cluster: &Arc<Cluster>) {
    if world.model().violation().is_some() {
        return;
    }
    world.tell(format_args!("audit"));
    world.stop();
    *world.weather() = Weather::default();
    world.sleep(60_000).await;
    let tasks = Handle::current().metrics().num_alive_tasks();
    // A few tasks of each node's store go on for as long as it runs.
    if tasks > 8 * world.settings.nodes {
        world.model().broken("bounds", format!("{tasks} tasks are left when nothing is under way"));
    }
    let writing: u64 = cluster.nodes().iter().flatten().map(|node| node.life.writing.load(Ordering::Relaxed)).sum();
    if writing > 0 {
        world.model().broken("bounds", format!("{writing} statements are left under way"));
    }
    for index in 0..world.settings.nodes {
        cluster.crash(index);
        cluster.restart(index, Keys { newest: 9, primary: 0 });
    }
    let cookies: Vec<String> = world.model().cookies().to_vec();
    for cookie in cookies {
        let id = world.fresh();
        let response = cluster.send(operators::look(id, cookie)).await;
        if world.model().violation().is_some() {
            return;
        }
        if let Some(response) = response
            && response.status != 200
        {
            let what = format!("request {id} answers {} in fine weather: {:?}", response.status, response.error);
            return world.model().broken("unavailable", what);
        }
    }
    if world.model().under_way() > 0 {
        world.model().broken("bounds", "requests are left under way".into());
    }
}
