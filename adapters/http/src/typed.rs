//! A typed view: one serde struct under one key.

use std::marker::PhantomData;

use serde::{Serialize, de::DeserializeOwned};

use crate::{Session, SessionError};

/// A struct that a session keeps under one key.
///
/// Add fields with `#[serde(default)]`: sessions written before the change stay readable.
pub trait TypedData: Serialize + DeserializeOwned + Default + Send + Sync + 'static {
    /// The key it is kept under.
    const KEY: &'static str;
}

/// A session seen as one struct.
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

    /// The struct, or its default where the session has none.
    pub async fn get(&self) -> Result<T, SessionError> {
        Ok(self.session.get(T::KEY).await?.unwrap_or_default())
    }

    /// Replaces the struct.
    pub fn set(&self, value: &T) -> Result<(), SessionError> {
        self.session.insert(T::KEY, value)
    }

    /// Changes the struct, as it is when the session is saved; see [`Session::update`].
    pub fn update(&self, f: impl Fn(&mut T) + Send + Sync + 'static) -> Result<(), SessionError> {
        self.session.update(T::KEY, move |value: Option<T>| {
            let mut value = value.unwrap_or_default();
            f(&mut value);
            value
        })
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
