//! A typed view: one serde struct under one key.

use std::marker::PhantomData;

use serde::{Serialize, de::DeserializeOwned};

use waxseal_core::Value;

use crate::{Session, SessionError, session::reader};

/// A struct that a session keeps under one key.
///
/// Add fields with `#[serde(default)]`, so that sessions written before the change stay readable. For other changes of the type,
/// implement [`upgrade`](Self::upgrade).
pub trait TypedData: Serialize + DeserializeOwned + Default + Send + Sync + 'static {
    /// The key under which it is kept.
    const KEY: &'static str;

    /// Makes a value of the present type from one that an earlier version of the application stored and that does not fit any
    /// more. With `None`, the default, the value counts as absent; the log has a warning.
    fn upgrade(old: Value) -> Option<Self> {
        drop(old);
        None
    }
}

/// A view of the session as one struct.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use waxseal_http::{Session, SessionError, TypedData};
///
/// #[derive(Default, Serialize, Deserialize)]
/// struct Cart {
///     items: Vec<String>,
/// }
///
/// impl TypedData for Cart {
///     const KEY: &'static str = "cart";
/// }
///
/// async fn add(session: Session) -> Result<usize, SessionError> {
///     let cart = session.typed::<Cart>();
///     cart.update(|cart| cart.items.push("bread".into()))?;
///     Ok(cart.get().await?.items.len())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Typed<T> {
    session: Session,
    of: PhantomData<fn() -> T>,
}

impl<T: TypedData> Typed<T> {
    pub(crate) fn new(session: Session) -> Self {
        Self { session, of: PhantomData }
    }

    /// The struct, or its default if the session has none or one that does not fit.
    pub async fn get(&self) -> Result<T, SessionError> {
        let value = self.session.get::<Value>(T::KEY).await?;
        Ok(value.and_then(reader(T::KEY, T::upgrade)).unwrap_or_default())
    }

    /// Replaces the struct.
    pub fn set(&self, value: &T) -> Result<(), SessionError> {
        self.session.insert(T::KEY, value)
    }

    /// Changes the struct as it is when the session is saved; see [`Session::update`].
    pub fn update(&self, f: impl Fn(&mut T) + Send + Sync + 'static) -> Result<(), SessionError> {
        let read = reader(T::KEY, T::upgrade);
        self.session.update_value(T::KEY, move |value| {
            let mut value = value.and_then(&read).unwrap_or_default();
            f(&mut value);
            value
        });
        Ok(())
    }

    /// Removes the struct.
    pub fn clear(&self) {
        self.session.remove(T::KEY);
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }
}
