//! A store around the store under test: counts calls, and can be made to fail or to lie.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use async_trait::async_trait;
use waxseal_http::{
    Admission, Found, Limit, Page, Row, RowId, Store, StoreError, Timestamp, Touch, Update, Wanted, Which,
};

/// How often each verb was called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    pub load: u32,
    pub insert: u32,
    pub update: u32,
    pub touch: u32,
    pub rotate: u32,
    pub delete: u32,
    pub other: u32,
}

impl Calls {
    pub fn total(self) -> u32 {
        self.load + self.insert + self.update + self.touch + self.rotate + self.delete + self.other
    }
}

pub(crate) type Falsify = Box<dyn Fn(&mut Row) + Send + Sync>;

type Time = Box<dyn Fn() -> Timestamp + Send + Sync>;

type Meanwhile = Box<dyn FnOnce() + Send>;

#[derive(Clone)]
pub struct Probe(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    calls: Mutex<Calls>,
    down: AtomicBool,
    touches_fail: AtomicBool,
    answers_lost: AtomicBool,
    hanging: AtomicBool,
    hanging_updates: AtomicBool,
    hanging_ends: AtomicBool,
    falsify: Mutex<Option<Falsify>>,
    meanwhile: Mutex<Option<Meanwhile>>,
    time: Mutex<Option<Time>>,
    behind: AtomicBool,
    lost_ends: AtomicU32,
    failing_loads: AtomicU32,
    loads_fail_after_write: AtomicU32,
    late: Mutex<Late>,
}

/// A statement that the server still executes after its answer was given up.
#[derive(Default)]
enum Late {
    #[default]
    None,
    /// The next update is given up at once.
    Next,
    Update {
        id: RowId,
        generation: u64,
        now: Timestamp,
        data: Vec<u8>,
    },
}

impl Probe {
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(Arc::new(Inner {
            store,
            calls: Mutex::default(),
            down: AtomicBool::new(false),
            touches_fail: AtomicBool::new(false),
            answers_lost: AtomicBool::new(false),
            hanging: AtomicBool::new(false),
            hanging_updates: AtomicBool::new(false),
            hanging_ends: AtomicBool::new(false),
            falsify: Mutex::default(),
            meanwhile: Mutex::default(),
            time: Mutex::default(),
            behind: AtomicBool::new(false),
            lost_ends: AtomicU32::new(0),
            failing_loads: AtomicU32::new(0),
            loads_fail_after_write: AtomicU32::new(0),
            late: Mutex::default(),
        }))
    }

    /// The store under test itself: its calls are not counted.
    pub fn store(&self) -> &dyn Store {
        self.0.store.as_ref()
    }

    /// The calls since the last time this was asked.
    pub fn take_calls(&self) -> Calls {
        std::mem::take(&mut self.0.calls.lock().unwrap())
    }

    /// The time that the database tells.
    pub fn set_time(&self, time: impl Fn() -> Timestamp + Send + Sync + 'static) {
        *self.0.time.lock().unwrap() = Some(Box::new(time));
    }

    /// Says that answers may be old.
    pub fn set_may_be_behind(&self) {
        self.0.behind.store(true, Ordering::SeqCst);
    }

    /// Whether the store under test always answers with the newest state.
    pub fn store_is_never_behind(&self) -> bool {
        !self.store().may_be_behind()
    }

    /// Makes every verb fail.
    pub fn set_down(&self, down: bool) {
        self.0.down.store(down, Ordering::SeqCst);
    }

    /// Makes touches fail.
    pub fn set_touches_fail(&self, fail: bool) {
        self.0.touches_fail.store(fail, Ordering::SeqCst);
    }

    /// Makes inserts, updates and rotations do their work and then fail, as where the connection breaks after a COMMIT.
    pub fn set_answers_lost(&self, lost: bool) {
        self.0.answers_lost.store(lost, Ordering::SeqCst);
    }

    /// Makes the next so many ends do their work and then fail, as where the connection breaks.
    pub fn lose_answers_of_ends(&self, count: u32) {
        self.0.lost_ends.store(count, Ordering::SeqCst);
    }

    /// Makes so many loads fail after the next insert, rotation or admission.
    pub fn fail_loads_after_write(&self, count: u32) {
        self.0.loads_fail_after_write.store(count, Ordering::SeqCst);
    }

    /// Gives up the next update without an answer. It takes effect just before the update after it.
    pub fn delay_update(&self) {
        *self.0.late.lock().unwrap() = Late::Next;
    }

    /// What was given up before takes effect. `false` where this update itself is given up.
    async fn is_in_time(&self, update: &Update<'_>) -> Result<bool, StoreError> {
        let late = std::mem::take(&mut *self.0.late.lock().unwrap());
        match late {
            Late::None => Ok(true),
            Late::Next => {
                let Update { id, generation, now, data, .. } = *update;
                *self.0.late.lock().unwrap() = Late::Update { id, generation, now, data: data.to_vec() };
                Ok(false)
            }
            Late::Update { id, generation, now, data } => {
                let earlier = Update { id, generation, now, data: &data, label: None, touch: None };
                assert!(self.store().update(earlier).await?, "it was given up, and yet it takes effect");
                Ok(true)
            }
        }
    }

    /// Makes every verb wait for ever.
    pub fn set_hanging(&self, hanging: bool) {
        self.0.hanging.store(hanging, Ordering::SeqCst);
    }

    /// Makes updates wait for ever.
    pub fn set_hanging_updates(&self, hanging: bool) {
        self.0.hanging_updates.store(hanging, Ordering::SeqCst);
    }

    /// Makes ends wait for ever.
    pub fn set_hanging_ends(&self, hanging: bool) {
        self.0.hanging_ends.store(hanging, Ordering::SeqCst);
    }

    async fn hangs(&self, this: &AtomicBool) {
        while self.0.hanging.load(Ordering::SeqCst) || this.load(Ordering::SeqCst) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    async fn counted(&self, verb: impl FnOnce(&mut Calls) -> &mut u32) -> Result<&dyn Store, StoreError> {
        let store = self.count(verb)?;
        self.hangs(&AtomicBool::new(false)).await;
        Ok(store)
    }

    fn answer<T>(&self, answer: T) -> Result<T, StoreError> {
        let failing = self.0.loads_fail_after_write.swap(0, Ordering::SeqCst);
        self.0.failing_loads.fetch_add(failing, Ordering::SeqCst);
        if self.0.answers_lost.load(Ordering::SeqCst) {
            return Err(StoreError::unknown("the connection broke"));
        }
        Ok(answer)
    }

    /// Changes every row that is loaded.
    pub fn falsify(&self, falsify: impl Fn(&mut Row) + Send + Sync + 'static) {
        *self.0.falsify.lock().unwrap() = Some(Box::new(falsify));
    }

    pub fn stop_falsifying(&self) {
        *self.0.falsify.lock().unwrap() = None;
    }

    /// Runs this once, while the next insert, update or rotation is under way.
    pub fn meanwhile(&self, meanwhile: impl FnOnce() + Send + 'static) {
        *self.0.meanwhile.lock().unwrap() = Some(Box::new(meanwhile));
    }

    fn falsified(&self, found: &mut Option<Found>) {
        if let (Some(Found::Session(row)), Some(falsify)) = (found, &*self.0.falsify.lock().unwrap()) {
            falsify(row);
        }
    }

    fn happens(&self) {
        let meanwhile = self.0.meanwhile.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
    }

    fn count(&self, verb: impl FnOnce(&mut Calls) -> &mut u32) -> Result<&dyn Store, StoreError> {
        *verb(&mut self.0.calls.lock().unwrap()) += 1;
        if self.0.down.load(Ordering::SeqCst) {
            return Err(StoreError::backend("the database is away"));
        }
        Ok(self.store())
    }
}

#[async_trait]
impl Store for Probe {
    async fn load(&self, wanted: Wanted) -> Result<Option<Found>, StoreError> {
        let fails = |left: u32| left.checked_sub(1);
        if self.0.failing_loads.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fails).is_ok() {
            return Err(StoreError::backend("no connection is free"));
        }
        let mut found = self.counted(|calls| &mut calls.load).await?.load(wanted).await?;
        self.falsified(&mut found);
        Ok(found)
    }

    async fn load_many(&self, wanted: &[Wanted]) -> Result<Vec<Option<Found>>, StoreError> {
        let mut found = self.counted(|calls| &mut calls.load).await?.load_many(wanted).await?;
        found.iter_mut().for_each(|found| self.falsified(found));
        Ok(found)
    }

    async fn insert(&self, row: Row) -> Result<(), StoreError> {
        self.happens();
        self.counted(|calls| &mut calls.insert).await?.insert(row).await?;
        self.answer(())
    }

    async fn update(&self, update: Update<'_>) -> Result<bool, StoreError> {
        self.happens();
        let store = self.counted(|calls| &mut calls.update).await?;
        if !self.is_in_time(&update).await? {
            return Err(StoreError::unknown("no answer in time"));
        }
        self.hangs(&self.0.hanging_updates).await;
        let updated = store.update(update).await?;
        self.answer(updated)
    }

    async fn touch(&self, id: RowId, generation: u64, touch: Touch) -> Result<bool, StoreError> {
        let store = self.counted(|calls| &mut calls.touch).await?;
        if self.0.touches_fail.load(Ordering::SeqCst) {
            return Err(StoreError::backend("no touches today"));
        }
        store.touch(id, generation, touch).await
    }

    async fn rotate(&self, old: RowId, generation: u64, new: Row) -> Result<bool, StoreError> {
        self.happens();
        let rotated = self.counted(|calls| &mut calls.rotate).await?.rotate(old, generation, new).await?;
        self.answer(rotated)
    }

    async fn admit(&self, old: Option<(RowId, u64)>, new: Row, limit: Limit) -> Result<Admission, StoreError> {
        self.happens();
        let admission = self.counted(|calls| &mut calls.rotate).await?.admit(old, new, limit).await?;
        self.answer(admission)
    }

    async fn end_many(&self, ids: &[RowId], now: Timestamp) -> Result<(), StoreError> {
        let store = self.counted(|calls| &mut calls.delete).await?;
        self.hangs(&self.0.hanging_ends).await;
        store.end_many(ids, now).await?;
        match self.0.lost_ends.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(_) => Err(StoreError::unknown("the connection broke")),
            Err(_) => Ok(()),
        }
    }

    async fn delete_expired(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.counted(|calls| &mut calls.other).await?.delete_expired(now, limit).await
    }

    async fn list_by_subject(&self, subject: &str, now: Timestamp, page: Page) -> Result<Vec<Row>, StoreError> {
        self.counted(|calls| &mut calls.other).await?.list_by_subject(subject, now, page).await
    }

    async fn delete_by_subject(&self, subject: &str, which: Which, now: Timestamp) -> Result<u64, StoreError> {
        let store = self.counted(|calls| &mut calls.other).await?;
        self.hangs(&self.0.hanging_ends).await;
        store.delete_by_subject(subject, which, now).await
    }

    async fn ended_since(&self, since: Timestamp, limit: u32) -> Result<Vec<RowId>, StoreError> {
        self.counted(|calls| &mut calls.other).await?.ended_since(since, limit).await
    }

    /// Not counted: once an hour.
    async fn now(&self) -> Result<Option<Timestamp>, StoreError> {
        if self.0.down.load(Ordering::SeqCst) {
            return Err(StoreError::backend("the database is away"));
        }
        let time = self.0.time.lock().unwrap().as_ref().map(|time| time());
        match time {
            Some(time) => Ok(Some(time)),
            None => self.store().now().await,
        }
    }

    async fn changed(&self, id: RowId) {
        self.store().changed(id).await;
    }

    fn may_be_behind(&self) -> bool {
        self.0.behind.load(Ordering::SeqCst) || self.store().may_be_behind()
    }
}
