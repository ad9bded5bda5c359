//! The channel through which the database tells caches of changes: late at times, silent at times, cut at times.

use std::collections::VecDeque;

use async_trait::async_trait;
use waxseal_http::{Listening, Notice, Notices, StoreError};

use crate::{faults::Fault, network::Line};

/// A node's channel.
#[derive(Debug)]
pub(crate) struct Channel(pub Line);

struct Ear {
    line: Line,
    heard: usize,
    /// Notices that pings have overtaken, with the moments when they come: a deliberate fault.
    overtaken: VecDeque<(u64, Notice)>,
}

#[async_trait]
impl Notices for Channel {
    async fn listen(&self) -> Result<Box<dyn Listening>, StoreError> {
        let world = &self.0.world;
        world.sleep(world.chance.below(30)).await;
        if world.weather().refuses(world.ms(), false).is_some() || !self.0.life.is_alive() {
            return Err(StoreError::backend("nobody listens there"));
        }
        let heard = world.database().feed().len();
        Ok(Box::new(Ear { line: self.0.clone(), heard, overtaken: VecDeque::new() }))
    }

    async fn ping(&self, number: u64) -> Result<(), StoreError> {
        // It travels on when nobody waits for it any more, as every statement does.
        let line = self.0.clone();
        let sent = tokio::spawn(async move {
            let world = &line.world;
            let late = world.settings.storm > 0 && world.chance.permille(50);
            world.sleep(world.chance.below(if late { 6000 } else { 10 })).await;
            let mut database = world.database();
            database.at_ms = world.ms();
            database.tell(Some(line.life.process), Notice::Ping(number));
        });
        sent.await.map_err(StoreError::unknown)?;
        Ok(())
    }
}

#[async_trait]
impl Listening for Ear {
    async fn next(&mut self) -> Result<Notice, StoreError> {
        let world = self.line.world.clone();
        loop {
            if self.overtaken.front().is_some_and(|(at, _)| *at <= world.ms())
                && let Some((_, notice)) = self.overtaken.pop_front()
            {
                return Ok(notice);
            }
            let heard = world.database().heard();
            let told = heard.notified();
            let next = world.database().feed().get(self.heard).copied();
            let Some(next) = next else {
                told.await;
                continue;
            };
            let mine = next.to.is_none_or(|to| to == self.line.life.process);
            if mine && world.chance.permille(5) {
                let ms = world.chance.between(10, 3000);
                world.injected(format_args!("node {}  notices held back for {ms} ms", self.line.life.node));
                world.sleep(ms).await;
            }
            if mine && world.chance.permille(world.settings.storm / 5) {
                world.injected(format_args!("node {}  the channel of notices is cut", self.line.life.node));
                return Err(StoreError::unknown("cut"));
            }
            // Cancelled while it waited: the notice is still to be heard.
            self.heard += 1;
            let overtaken = world.fault == Some(Fault::PingsOvertake) && !matches!(next.notice, Notice::Ping(_));
            if mine && overtaken && (world.chance.one_in(10) || !self.overtaken.is_empty()) {
                self.overtaken.push_back((world.ms() + 4000, next.notice));
                continue;
            }
            let is_ping = matches!(next.notice, Notice::Ping(_));
            let deaf = world.fault == Some(Fault::DeafCache) && !is_ping && world.chance.one_in(3);
            if mine && !deaf {
                return Ok(next.notice);
            }
        }
    }
}
