//! A browser: tabs that share one jar of cookies, and a person who does now this and now that.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use waxseal_http::RowId;

use crate::{
    application::{Act, Ending, Request, Response},
    cluster::Cluster,
    world::World,
};

/// A list is not written to any more when it has so many numbers.
const LONG: usize = 40;

#[derive(Clone, Debug)]
struct Kept {
    value: String,
    /// When the browser drops it; nothing where it drops it when it closes.
    until_ms: Option<u64>,
}

/// What a browser keeps of the session's cookie.
#[derive(Debug, Default)]
struct Jar {
    own: Option<Kept>,
    /// Planted by a sibling domain under a longer path, so that it is sent first and never replaced.
    planted: Option<String>,
    /// Who the person believes to be, by the last response that said so.
    believes: Option<String>,
    /// Other sessions of theirs that they saw in a list.
    devices: Vec<RowId>,
}

/// A browser.
#[derive(Debug)]
pub(crate) struct Browser {
    cluster: Arc<Cluster>,
    home: String,
    jar: Mutex<Jar>,
}

impl Browser {
    /// A browser without cookies, whose person is the user of this number.
    pub(crate) fn new(cluster: &Arc<Cluster>, user: u64) -> Arc<Self> {
        Arc::new(Self { cluster: cluster.clone(), home: format!("user{user}"), jar: Mutex::default() })
    }

    fn jar(&self) -> MutexGuard<'_, Jar> {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn world(&self) -> &World {
        &self.cluster.world
    }

    /// One tab, as long as the run goes on.
    pub(crate) async fn tab(self: Arc<Self>) {
        let world = self.cluster.world.clone();
        while world.goes_on() {
            self.pause().await;
            let request = self.request();
            // Two clicks at once are two requests.
            if world.chance.permille(80) {
                let again = Request { id: world.fresh(), acts: renumbered(&world, &request.acts), ..request.clone() };
                let (first, second) = tokio::join!(self.cluster.send(request.clone()), self.cluster.send(again));
                self.take(&request, first);
                self.take(&request, second);
            } else {
                let response = self.cluster.send(request.clone()).await;
                self.take(&request, response);
            }
        }
    }

    async fn pause(&self) {
        let (world, settings) = (self.world(), &self.world().settings);
        let ms = if world.chance.permille(settings.pauses) {
            world.chance.between(settings.idle_s * 100, settings.idle_s * 1600)
        } else {
            world.chance.below(settings.tempo_ms)
        };
        world.sleep(ms).await;
        if world.chance.permille(10) {
            let mut jar = self.jar();
            // The browser is closed and opened again.
            jar.own = jar.own.take().filter(|kept| kept.until_ms.is_some());
            jar.believes = None;
        }
    }

    /// The values that the browser sends, in their order.
    fn cookies(&self) -> Vec<String> {
        let now = self.world().ms();
        let mut jar = self.jar();
        jar.own = jar.own.take().filter(|kept| kept.until_ms.is_none_or(|until| until > now));
        let own = jar.own.as_ref().map(|kept| kept.value.clone());
        jar.planted.iter().cloned().chain(own).collect()
    }

    fn request(&self) -> Request {
        let world = self.world();
        let chance = &world.chance;
        let cookies = self.cookies();
        let acts = self.acts(&cookies);
        let changes_session =
            acts.iter().any(|act| matches!(act, Act::SignIn { .. } | Act::Renew | Act::RevokeOthers | Act::Revoke(_)));
        let slow = |one_in| if chance.one_in(one_in) { chance.between(1, 4000) } else { 0 };
        Request {
            id: world.fresh(),
            looks: changes_session || cookies.len() != 1 || !chance.one_in(4),
            cookies,
            acts,
            works_ms: [slow(6), slow(12)],
            saves: chance.one_in(8),
            saves_again: chance.below(3),
            ending: match chance.below(40) {
                0 => Ending::Fails,
                1 => Ending::Discards,
                _ => Ending::Ok,
            },
        }
    }

    fn acts(&self, cookies: &[String]) -> Vec<Act> {
        let world = self.world();
        let chance = &world.chance;
        let (signed_in, device) = {
            let jar = self.jar();
            (jar.believes.is_some() && !cookies.is_empty(), chance.pick(&jar.devices).copied())
        };
        let full = cookies.last().is_some_and(|cookie| world.model().written(cookie) >= LONG);
        let change = || if full { Act::Note(Some(world.fresh())) } else { Act::Append(world.fresh()) };
        let sign_in = || {
            let other = chance.one_in(6).then(|| format!("user{}", chance.below(world.settings.users as u64)));
            Act::SignIn { user: other.unwrap_or_else(|| self.home.clone()), remember: chance.one_in(3) }
        };
        match (signed_in, chance.below(100)) {
            (false, 0..45) if chance.one_in(3) => vec![change(), sign_in()],
            (false, 0..45) => vec![sign_in()],
            (false, 45..75) => vec![change()],
            (false, _) => vec![],
            (true, 0..20) => vec![],
            (true, 20..50) => vec![change()],
            (true, 50..56) => vec![Act::Note(Some(world.fresh()))],
            (true, 56..58) => vec![Act::Note(None)],
            (true, 58..64) => vec![Act::PutCode(world.fresh())],
            (true, 64..74) => vec![Act::TakeCode],
            (true, 74..79) => vec![Act::Renew],
            (true, 79..81) => vec![Act::Renew, change()],
            (true, 81..86) => vec![Act::SignOut],
            (true, 86..89) => vec![sign_in()],
            (true, 89..93) => vec![Act::List],
            (true, 93..96) => device.map_or_else(|| vec![Act::List], |id| vec![Act::Revoke(id)]),
            (true, 96..98) => vec![Act::RevokeOthers],
            (true, _) => {
                self.plant();
                vec![change()]
            }
        }
    }

    /// Somebody plants a cookie of a session of theirs, or the browser drops what was planted.
    fn plant(&self) {
        let world = self.world();
        let planted = world.model().some_cookie(&world.chance);
        let mut jar = self.jar();
        jar.planted = match jar.planted {
            None => planted,
            Some(_) => None,
        };
    }

    /// What a browser does with a response.
    fn take(&self, request: &Request, response: Option<Response>) {
        let Some(response) = response else { return };
        let now = self.world().ms();
        let mut jar = self.jar();
        for header in &response.cookies {
            let Some((pair, attributes)) = header.split_once(';') else { continue };
            let Some((_, value)) = pair.split_once('=') else { continue };
            let max_age = attributes.split("Max-Age=").nth(1).and_then(|rest| rest.split(';').next()?.parse().ok());
            jar.own = match max_age {
                Some(0) => None,
                Some(seconds) => Some(Kept { value: value.into(), until_ms: Some(now + 1000 * seconds) }),
                None => Some(Kept { value: value.into(), until_ms: None }),
            };
        }
        if let Some(seen) = response.seen {
            jar.believes = seen.subject;
        }
        if let Some(listed) = response.listed {
            jar.devices = listed;
        }
        if response.status == 200 {
            for act in &request.acts {
                match act {
                    Act::SignIn { user, .. } => jar.believes = Some(user.clone()),
                    Act::SignOut => jar.believes = None,
                    _ => {}
                }
            }
        }
    }
}

/// The same acts with numbers of their own.
fn renumbered(world: &World, acts: &[Act]) -> Vec<Act> {
    let fresh = |act: &Act| match act {
        Act::Append(_) => Act::Append(world.fresh()),
        Act::Note(Some(_)) => Act::Note(Some(world.fresh())),
        Act::PutCode(_) => Act::PutCode(world.fresh()),
        act => act.clone(),
    };
    acts.iter().map(fresh).collect()
}
