//! Recording: what a handler does to its session is kept until it is saved.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use serde::{Serialize, de::DeserializeOwned};
use waxseal_core::{Changes, Terms, Value, check_subject, from_value, to_value};

use crate::{
    Session, SessionError, SignIn, Typed, TypedData,
    session::{Behind, Renewal, State},
};

/// Labels are cut to this many bytes: they name a device in a list.
const MAX_LABEL_BYTES: usize = 255;

impl Session {
    /// Sets `key`. Setting an equal value is no change. An error if the value cannot be kept; nothing is recorded then.
    pub fn insert(&self, key: &str, value: impl Serialize) -> Result<(), SessionError> {
        let mut change = Changes::new();
        change.insert(key, &value)?;
        self.record(change);
        Ok(())
    }

    /// Sets `key` to `f(value)`. `f` runs on the data as they are when the session is saved, and again if another request was
    /// faster: of N concurrent increments none is lost. It must depend only on its argument, which is `None` if the key is
    /// absent.
    ///
    /// A value of another type, stored by an earlier version of the application, counts as absent; the log has a warning. If the
    /// result of `f` cannot be kept, this change is dropped, with an error in the log, and the others are saved. To get the saved
    /// value, call [`save`](Self::save) and then [`get`](Self::get).
    pub fn update<T, U>(
        &self,
        key: &str,
        f: impl Fn(Option<T>) -> U + Send + Sync + 'static,
    ) -> Result<(), SessionError>
    where
        T: DeserializeOwned,
        U: Serialize,
    {
        let read = reader(key, |_| None);
        self.update_value(key, move |value| f(value.and_then(&read)));
        Ok(())
    }

    /// Sets `key` to `f(value)`, whatever type the value has.
    pub(crate) fn update_value<U: Serialize>(&self, key: &str, f: impl Fn(Option<Value>) -> U + Send + Sync + 'static) {
        let mut change = Changes::new();
        change.update_value(key, Arc::new(move |value| to_value(&f(value))));
        self.record(change);
    }

    /// Removes `key`.
    pub fn remove(&self, key: &str) {
        let mut change = Changes::new();
        change.remove(key);
        self.record(change);
    }

    /// Reads `key` and removes it: for flash messages. Two requests at once may both get the value.
    pub async fn take<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SessionError> {
        let value = self.get(key).await?;
        if value.is_some() {
            self.remove(key);
        }
        Ok(value)
    }

    /// Reads `key` and removes it, and saves at once: of several requests only one gets the value. For one-time codes and nonces.
    pub async fn take_once<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SessionError> {
        if !self.keys().await?.iter().any(|present| present == key) {
            return Ok(None);
        }
        let taken: Arc<Mutex<Option<Value>>> = Arc::default();
        let slot = taken.clone();
        let mut change = Changes::new();
        change.take(key, Arc::new(move |value| *slot.lock().unwrap_or_else(PoisonError::into_inner) = value));
        self.change(|state| {
            state.changes.append(change);
            state.outdate();
        });
        if !self.save().await?.is_kept() {
            return Ok(None);
        }
        let value = taken.lock().unwrap_or_else(PoisonError::into_inner).take();
        let value = value.as_ref().map(from_value).transpose().map_err(|error| error.for_key(key));
        self.told("take", value.map_err(SessionError::from))
    }

    /// Removes every key. The session itself stays, and so does its subject.
    pub fn clear(&self) {
        let mut change = Changes::new();
        change.clear();
        self.record(change);
    }

    /// Names the device for the list of sessions, for example "Firefox on Linux". Cut to 255 bytes.
    pub fn set_label(&self, label: &str) {
        let end = (0..=label.len().min(MAX_LABEL_BYTES)).rev().find(|end| label.is_char_boundary(*end)).unwrap_or(0);
        self.change(|state| state.label = Some(label[..end].replace(char::is_control, " ")));
    }

    /// A view of the struct that is kept under one key; see [`Typed`].
    pub fn typed<T: TypedData>(&self) -> Typed<T> {
        Typed::new(self.clone())
    }

    // --- Renewing and ending ---------------------------------------------------------------------------------------------

    /// Gives the session to `subject`, with a new secret, a new row and a new lifetime. The old cookie stops working when this is
    /// saved. The data stay, unless another subject was signed in: one user's data do not pass to the next. (What *this request*
    /// has recorded, before or after, is kept in any case: call `discard` first if it belongs to the former user.) Other sessions
    /// whose cookies the request presented under the same name are ended.
    ///
    /// Call it at every sign-in, after the credentials were checked (OWASP Session Management Cheat Sheet, "Renew the Session ID
    /// After Any Privilege Level Change"). A sign-in takes effect even if the previous session was ended in between; it then
    /// starts with only this request's changes.
    pub fn sign_in(&self, subject: &str) -> Result<(), SessionError> {
        self.record_sign_in(subject, self.0.engine.default_terms())
    }

    /// [`sign_in`](Self::sign_in) with other times than the configured ones, for example for "remember me". An error if they are
    /// over the configured maxima; nothing is recorded then.
    pub fn sign_in_with(&self, subject: &str, sign_in: SignIn) -> Result<(), SessionError> {
        let engine = &self.0.engine;
        self.record_sign_in(subject, sign_in.terms(engine.default_terms(), &engine.timeouts)?)
    }

    fn record_sign_in(&self, subject: &str, terms: Terms) -> Result<(), SessionError> {
        check_subject(subject)?;
        self.change(|state| {
            state.renewal = Renewal::SignIn { subject: subject.to_owned(), terms };
            state.outdate();
        });
        Ok(())
    }

    /// Ends the session: the same as [`destroy`](Self::destroy), named to match `sign_in`.
    pub fn sign_out(&self) {
        self.destroy();
    }

    /// Gives the session a new secret and a new row. The old cookie stops working when this is saved. Data, subject, creation
    /// time and lifetime stay. Call it at every change of privilege that is not a sign-in. Does nothing for a new session.
    pub fn renew(&self) {
        self.change(|state| {
            if state.renewal == Renewal::None {
                state.renewal = Renewal::Renew;
            }
        });
    }

    /// Ends the session and removes the cookie, whatever the response's status. What was recorded before is dropped. What is
    /// recorded after it belongs to a new session: a flash message for the next page, or another user's sign-in.
    pub fn destroy(&self) {
        self.change(|state| {
            state.forget_changes();
            state.ending = true;
        });
    }

    /// Drops what this request has recorded so far: nothing is saved and no cookie is sent, unless the session is changed again.
    /// What [`save`](Self::save) has saved stays saved.
    pub fn discard(&self) {
        let mut state = self.state();
        state.forget_changes();
        state.ending = false;
        state.discarded = true;
    }

    // --- Inside ----------------------------------------------------------------------------------------------------------

    fn change(&self, f: impl FnOnce(&mut State)) {
        self.mark_used();
        let mut state = self.state();
        if state.committed {
            tracing::error!(
                "session changed after its response was committed: lost, except for data saved by calling save()"
            );
        }
        state.discarded = false;
        f(&mut state);
    }

    /// Records a change.
    fn record(&self, change: Changes) {
        let known = {
            let mut state = self.state();
            match state.behind {
                Behind::Live(_) | Behind::Nothing => Some(state.parts(self.tickets())),
                _ => None,
            }
        };
        let view = known.and_then(|mut parts| {
            let errors = [&parts.changes, &change].map(|changes| changes.apply_what_fits(&mut parts.data));
            errors.iter().all(Vec::is_empty).then_some(parts)
        });
        self.change(|state| {
            state.changes.append(change);
            let before = state.version;
            state.outdate();
            if let Some(parts) = view
                && parts.version == before
            {
                let version = state.version;
                state.keep_view(version, parts.data);
            }
        });
    }
}

/// Reads values as a `T`. A value that is not a `T` is passed to `upgrade`; if that returns `None`, it counts as absent, and the
/// log has one warning.
pub(crate) fn reader<T: DeserializeOwned>(
    key: &str,
    upgrade: impl Fn(Value) -> Option<T> + Send + Sync + 'static,
) -> impl Fn(Value) -> Option<T> + Send + Sync + 'static {
    let (key, warned) = (key.to_owned(), AtomicBool::new(false));
    move |value| match from_value(&value) {
        Ok(value) => Some(value),
        Err(error) => upgrade(value).or_else(|| {
            if !warned.swap(true, Ordering::Relaxed) {
                let expected = std::any::type_name::<T>();
                tracing::warn!(key, expected, %error, "session value of another type counts as absent");
            }
            None
        }),
    }
}
