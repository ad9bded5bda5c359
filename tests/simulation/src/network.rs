//! The network between a node and the database: a [`Store`] whose statements travel, are lost, and come back late or never.

use std::{
    panic::resume_unwind,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use tokio::sync::{Notify, oneshot};
use waxseal_http::{
    ASKED_AGAIN, Admission, Found, Limit, Page, Row, RowId, Store, StoreError, Timestamp, Touch, Update, Wanted, Which,
};

use crate::{
    database::{Answer, Command, Save},
    faults::{Context, Fault, is_mark},
    weather::{Fate, Journey},
    world::World,
};

/// The life of a node's process, from its start to its crash.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) node: usize,
    /// The number of the process.
    pub(crate) process: u64,
    over: AtomicBool,
    /// Not a watch channel: that wakes its receivers in a random order.
    told: Notify,
    /// Statements that change something and have no answer yet.
    pub(crate) writing: AtomicU64,
}

impl Life {
    pub(crate) fn new(node: usize, process: u64) -> Arc<Self> {
        Arc::new(Self { node, process, over: AtomicBool::new(false), told: Notify::new(), writing: AtomicU64::new(0) })
    }

    pub(crate) fn is_alive(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }

    /// The process ends: every task of its that waits for the database unwinds.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
        self.told.notify_waiters();
    }

    async fn ended(&self) {
        let told = self.told.notified();
        if self.is_alive() {
            told.await;
        }
    }
}

type Reply = oneshot::Sender<Result<Answer, StoreError>>;

/// Whom a connection asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Primary,
    /// The node's copy, which lags.
    Copy,
}

/// A node's connection to the database or to its copy.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) world: Arc<World>,
    pub(crate) life: Arc<Life>,
    pub(crate) peer: Peer,
}

impl Line {
    /// Sends a statement and waits for its answer. The statement travels on when nobody waits any more.
    async fn call(&self, command: Command) -> Result<Answer, StoreError> {
        let blind = self.world.fault == Some(Fault::BlindRetry) && command.writes();
        let again = blind.then(|| command.clone());
        match (self.send(command).await, again) {
            (Err(StoreError::Unknown(_)), Some(command)) => self.send(command).await,
            (answer, _) => answer,
        }
    }

    async fn send(&self, command: Command) -> Result<Answer, StoreError> {
        let writes = command.writes();
        let journey = self.world.weather().journey(&self.world.chance, writes);
        let (reply, answer) = oneshot::channel();
        let line = self.clone();
        if writes {
            self.life.writing.fetch_add(1, Ordering::Relaxed);
        }
        tokio::spawn(async move { line.travel(&command, journey, reply).await });
        tokio::select! {
            biased;
            () = self.life.ended() => resume_unwind(Box::new("the node crashed")),
            answer = answer => answer.unwrap_or_else(|_| Err(StoreError::unknown("the connection is gone"))),
        }
    }

    /// A statement's way to the database and back.
    async fn travel(&self, command: &Command, journey: Journey, reply: Reply) {
        let world = &self.world;
        world.sleep(journey.there_ms).await;
        let node = self.life.node;
        if journey.fate != Fate::Answered {
            world.injected(format_args!("node {node}  {} {:?}", command.name(), journey.fate));
        }
        let reply = |answer| {
            if command.writes() {
                self.life.writing.fetch_sub(1, Ordering::Relaxed);
            }
            // It fails where nobody waits for the answer any more.
            let _ = reply.send(answer);
        };
        match journey.fate {
            Fate::Answered => {
                let answer = self.arrive(command);
                if journey.back_ms > 0 {
                    world.sleep(journey.back_ms).await;
                }
                reply(answer);
            }
            Fate::RolledBack => {
                reply(Err(StoreError::backend("rolled back")));
            }
            Fate::LostBefore => {
                reply(Err(StoreError::unknown("cut")));
            }
            Fate::LostAfter => {
                let _ = self.arrive(command);
                reply(Err(StoreError::unknown("cut")));
            }
            Fate::Late(ms) => {
                reply(Err(StoreError::unknown("cut during COMMIT")));
                world.sleep(ms).await;
                let _ = self.arrive(command);
            }
        }
    }

    /// The statement is carried out.
    fn arrive(&self, command: &Command) -> Result<Answer, StoreError> {
        let world = &self.world;
        let (at_ms, time) = (world.ms(), world.time());
        world.counts.statements.fetch_add(1, Ordering::Relaxed);
        if let Some(error) = world.weather().refuses(at_ms, command.writes()) {
            world.injected(format_args!("node {}  {} refused: {error}", self.life.node, command.name()));
            return Err(error);
        }
        let mut database = world.database();
        database.at_ms = at_ms;
        let answer = match (self.peer, command) {
            (Peer::Copy, Command::Load(wanted)) => {
                let mut copies = world.copies();
                let Some(copy) = copies.get_mut(self.life.node) else { return Err(StoreError::backend("no copy")) };
                let unchecked = |id| world.fault == Some(Fault::ReplicaUnchecked) && is_mark(id);
                let mut get = |id| {
                    let found = if unchecked(id) { database.get(id) } else { copy.get(&database, id, at_ms) };
                    found.cloned()
                };
                Answer::Found(wanted.iter().map(|wanted| get(wanted.id)).collect())
            }
            (Peer::Copy, _) => return Err(StoreError::backend("a copy takes no writes")),
            (Peer::Primary, _) => {
                let mut copies = world.copies();
                let context = Context { time, chance: &world.chance, copy: copies.get_mut(self.life.node) };
                world.bent().apply(&mut database, command, context)
            }
        };
        drop(database);
        world.tell(format_args!("node {}  {}", self.life.node, command.name()));
        if world.trace().prints() {
            println!("                {}", without_data(&format!("{:?} {command:?} -> {answer:?}", self.peer)));
        }
        Ok(answer)
    }
}

/// A statement as the trace shows it: the sealed data of rows say nothing.
fn without_data(text: &str) -> String {
    let mut parts = text.split("data: [");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shown.push_str("data");
        shown.push_str(part.split_once(']').map_or("", |(_, rest)| rest));
    }
    shown
}

fn unexpected<T>() -> Result<T, StoreError> {
    Err(StoreError::Damaged("an answer of another statement"))
}

#[async_trait]
impl Store for Line {
    async fn load(&self, wanted: Wanted) -> Result<Option<Found>, StoreError> {
        Ok(self.load_many(&[wanted]).await?.pop().flatten())
    }

    async fn load_many(&self, wanted: &[Wanted]) -> Result<Vec<Option<Found>>, StoreError> {
        match self.call(Command::Load(wanted.to_vec())).await? {
            Answer::Found(found) => Ok(found),
            _ => unexpected(),
        }
    }

    async fn insert(&self, row: Row) -> Result<(), StoreError> {
        match self.call(Command::Insert(row)).await? {
            Answer::Inserted => Ok(()),
            Answer::AlreadyExists => Err(StoreError::AlreadyExists),
            _ => unexpected(),
        }
    }

    async fn update(&self, update: Update<'_>) -> Result<bool, StoreError> {
        let save = Save {
            id: update.id,
            generation: update.generation,
            now: update.now,
            data: update.data.to_vec(),
            label: update.label.map(String::from),
            touch: update.touch,
        };
        self.written(Command::Update(save)).await
    }

    async fn touch(&self, id: RowId, generation: u64, touch: Touch) -> Result<bool, StoreError> {
        self.written(Command::Touch { id, generation, touch }).await
    }

    async fn rotate(&self, old: RowId, generation: u64, new: Row) -> Result<bool, StoreError> {
        self.written(Command::Rotate { old, generation, new }).await
    }

    async fn admit(&self, old: Option<(RowId, u64)>, new: Row, limit: Limit) -> Result<Admission, StoreError> {
        match self.call(Command::Admit { old, new, limit }).await? {
            Answer::Admission(admission) => Ok(admission),
            _ => unexpected(),
        }
    }

    async fn end_many(&self, ids: &[RowId], now: Timestamp) -> Result<(), StoreError> {
        self.written(Command::End { ids: ids.to_vec(), now }).await.map(drop)
    }

    async fn delete_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.count(Command::DeleteExpired { now, limit }).await
    }

    async fn list_by_subject(&self, subject: &str, now: Timestamp, page: Page) -> Result<Vec<Row>, StoreError> {
        match self.call(Command::List { subject: subject.into(), now, page }).await? {
            Answer::Rows(rows) => Ok(rows),
            _ => unexpected(),
        }
    }

    async fn delete_by_subject(&self, subject: &str, which: Which, now: Timestamp) -> Result<u64, StoreError> {
        self.count(Command::DeleteBySubject { subject: subject.into(), which, now }).await
    }

    async fn ended_since(&self, since: Timestamp, limit: u32) -> Result<Vec<RowId>, StoreError> {
        match self.call(Command::EndedSince { since, limit }).await? {
            Answer::Ids(ids) => Ok(ids),
            _ => unexpected(),
        }
    }

    async fn now(&self) -> Result<Option<Timestamp>, StoreError> {
        match self.call(Command::Now).await? {
            Answer::Time(_) if self.world.fault == Some(Fault::ClockOfTheNode) => Ok(None),
            Answer::Time(time) => Ok(time),
            _ => unexpected(),
        }
    }

    async fn changed(&self, _: RowId) {
        if self.world.fault == Some(Fault::NeverAskedAgain) {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(ASKED_AGAIN).await;
    }

    fn may_be_behind(&self) -> bool {
        self.peer == Peer::Copy
    }
}

impl Line {
    async fn written(&self, command: Command) -> Result<bool, StoreError> {
        match self.call(command).await? {
            Answer::Written(written) => Ok(written),
            Answer::AlreadyExists => Err(StoreError::AlreadyExists),
            _ => unexpected(),
        }
    }

    async fn count(&self, command: Command) -> Result<u64, StoreError> {
        match self.call(command).await? {
            Answer::Count(count) => Ok(count),
            _ => unexpected(),
        }
    }
}
