//! Makes adopters from readers, for [`SessionsBuilder::adopt`](waxseal_http::SessionsBuilder::adopt).

use std::future::Future;

use async_trait::async_trait;
use http::HeaderMap;
use waxseal_core::Timestamp;
use waxseal_http::{Adopt, AdoptError, OldCookie, cookie_values};

use crate::Adopted;

/// Adopts sessions that are kept entirely in a cookie: the session cookies of Plug and Phoenix, Poem's `CookieSession`.
///
/// The other system cannot end such a session. It is adopted once: after that, and after a sign-out, its cookie is refused.
///
/// ```
/// # #[cfg(feature = "plug")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use waxseal_adopt::{AdoptCookie, plug::{PlugKeys, PlugReader}};
/// use waxseal_http::{Keyring, MemoryStore, OldCookie, RootKey, Sessions};
///
/// let keys = PlugKeys::new("a secret_key_base of at least sixty-four characters, as Phoenix has it");
/// let reader = PlugReader::signed_session(&keys, "signing salt")?;
/// let adopter = AdoptCookie::new(OldCookie::new("_shop_key"), move |value, now| {
///     Some(reader.read(value, now).ok()?.into_adopted()?.subject_from("user_id"))
/// });
/// let keyring = Keyring::new([RootKey::generate()?])?;
/// let sessions = Sessions::builder(keyring, MemoryStore::new()).adopt(adopter).build()?;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "plug"))]
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
pub struct AdoptCookie<R> {
    cookie: OldCookie,
    read: R,
}

impl<R: Fn(&[u8], Timestamp) -> Option<Adopted> + Send + Sync + 'static> AdoptCookie<R> {
    /// Calls `read` with the value of `cookie` and the present time. It must return `None` if the value is not authentic or has
    /// expired.
    pub fn new(cookie: OldCookie, read: R) -> Self {
        Self { cookie, read }
    }
}

#[async_trait]
impl<R: Fn(&[u8], Timestamp) -> Option<Adopted> + Send + Sync + 'static> Adopt for AdoptCookie<R> {
    fn key(&self, headers: &HeaderMap) -> Option<Vec<u8>> {
        // At the earliest time nothing has expired: a value that cannot be read then is not authentic.
        let is_authentic = |value: &Vec<u8>| (self.read)(value, Timestamp::default()).is_some();
        cookie_values(headers, &self.cookie.name).into_iter().find(is_authentic)
    }

    async fn load(&self, key: &[u8], now: Timestamp) -> Result<Option<waxseal_http::Adopted>, AdoptError> {
        Ok((self.read)(key, now).map(Into::into))
    }

    async fn retire(&self, _: &[u8]) -> Result<(), AdoptError> {
        Ok(())
    }

    fn cookies(&self) -> Vec<OldCookie> {
        vec![self.cookie.clone()]
    }
}

/// Adopts sessions whose id is in a cookie and whose data are in a database: tower-sessions, Poem's `ServerSession`,
/// salvo-session, an encrypted store of Plug.
///
/// ```
/// use waxseal_adopt::{AdoptStored, Adopted};
/// use waxseal_http::OldCookie;
///
/// let adopter = AdoptStored::new(
///     OldCookie::new("id"),
///     |value| String::from_utf8(value.to_vec()).ok(), // what makes an id of the cookie: verify it where it is signed
///     |_id, _now| async { Ok(None::<Adopted>) },      // SELECT its row, and read it
///     |_id| async { Ok(()) },                         // DELETE it
/// );
/// # let _ = adopter;
/// ```
#[derive(Clone, Debug)]
pub struct AdoptStored<I, L, D> {
    cookie: OldCookie,
    id: I,
    load: L,
    retire: D,
}

impl<I, L, D, LF, DF> AdoptStored<I, L, D>
where
    I: Fn(&[u8]) -> Option<String> + Send + Sync + 'static,
    L: Fn(String, Timestamp) -> LF + Send + Sync + 'static,
    LF: Future<Output = Result<Option<Adopted>, AdoptError>> + Send,
    D: Fn(String) -> DF + Send + Sync + 'static,
    DF: Future<Output = Result<(), AdoptError>> + Send,
{
    /// `id` makes the session's id from the cookie's value, and returns `None` if the value is not authentic. `load` finds the
    /// session, and returns `None` if it has expired. `retire` deletes it after it was adopted; it may be called again.
    pub fn new(cookie: OldCookie, id: I, load: L, retire: D) -> Self {
        Self { cookie, id, load, retire }
    }
}

#[async_trait]
impl<I, L, D, LF, DF> Adopt for AdoptStored<I, L, D>
where
    I: Fn(&[u8]) -> Option<String> + Send + Sync + 'static,
    L: Fn(String, Timestamp) -> LF + Send + Sync + 'static,
    LF: Future<Output = Result<Option<Adopted>, AdoptError>> + Send,
    D: Fn(String) -> DF + Send + Sync + 'static,
    DF: Future<Output = Result<(), AdoptError>> + Send,
{
    fn key(&self, headers: &HeaderMap) -> Option<Vec<u8>> {
        let values = cookie_values(headers, &self.cookie.name);
        values.iter().find_map(|value| (self.id)(value)).map(String::into_bytes)
    }

    async fn load(&self, key: &[u8], now: Timestamp) -> Result<Option<waxseal_http::Adopted>, AdoptError> {
        let id = String::from_utf8(key.to_vec())?;
        Ok((self.load)(id, now).await?.map(Into::into))
    }

    async fn retire(&self, key: &[u8]) -> Result<(), AdoptError> {
        (self.retire)(String::from_utf8(key.to_vec())?).await
    }

    fn cookies(&self) -> Vec<OldCookie> {
        vec![self.cookie.clone()]
    }
}

impl From<Adopted> for waxseal_http::Adopted {
    fn from(adopted: Adopted) -> Self {
        let Adopted { subject, data, created_at, expires_at, .. } = adopted;
        Self { subject, data, created_at, expires_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header;
    use waxseal_core::Data;

    fn headers(cookies: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, cookies.parse().unwrap())])
    }

    fn read(value: &[u8], now: Timestamp) -> Option<Adopted> {
        let end = Timestamp::from_unix_seconds(100);
        (value.starts_with(b"good") && !now.has_reached(end)).then(|| Adopted::new(Data::new()).ends_at(end))
    }

    #[tokio::test]
    async fn a_cookie_is_adopted_where_it_is_authentic_and_in_time() {
        let adopter = AdoptCookie::new(OldCookie::new("old"), read);
        assert_eq!(adopter.key(&headers("old=bad; old=good1; other=good2")), Some(b"good1".to_vec()));
        assert_eq!(adopter.key(&headers("old=bad; other=good2")), None);
        let at = Timestamp::from_unix_seconds;
        assert!(adopter.load(b"good1", at(99)).await.unwrap().is_some());
        assert!(adopter.load(b"good1", at(100)).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_stored_session_is_found_by_its_id() {
        let id = |value: &[u8]| std::str::from_utf8(value).ok()?.strip_suffix(".signed").map(String::from);
        let load = |id: String, now| async move { Ok(read(id.as_bytes(), now)) };
        let adopter = AdoptStored::new(OldCookie::new("old"), id, load, |_| async { Err("away".into()) });
        let key = adopter.key(&headers("old=good.forged; old=good.signed")).unwrap();
        assert_eq!(key, b"good");
        assert!(adopter.load(&key, Timestamp::default()).await.unwrap().is_some());
        assert!(adopter.retire(&key).await.is_err());
    }
}
