//! For framework adapters: session types of their own, so that `?` in a handler returns the framework's error.

/// Declares an adapter's `SessionError`: a newtype of this crate's error. The adapter implements how its framework answers it.
#[macro_export]
macro_rules! framework_error {
    () => {
        /// A [`waxseal_http::SessionError`] that a handler can return. The response is a 503 if the store fails, a 401 if nobody
        /// is signed in, a 403 if the user has too many sessions, else a 500. Clients see no detail.
        #[derive(Debug)]
        pub struct SessionError(pub $crate::SessionError);

        impl From<$crate::SessionError> for SessionError {
            fn from(error: $crate::SessionError) -> Self {
                Self(error)
            }
        }

        impl ::core::fmt::Display for SessionError {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl ::core::error::Error for SessionError {
            fn source(&self) -> Option<&(dyn ::core::error::Error + 'static)> {
                Some(&self.0)
            }
        }
    };
}

/// Declares an adapter's `Session` and `Typed<T>`, newtypes of this crate's types whose failing methods return `$error`; the
/// guards `SignedIn` and `MaybeSignedIn`; `Named<N>` and `SubjectSessions`. `$error` must be `From<waxseal_http::SessionError>`.
/// All other methods come through `Deref`. The adapter itself implements how its framework's handlers take these types.
#[macro_export]
macro_rules! framework_session {
    ($error:ty) => {
        /// A request's session: [`waxseal_http::Session`] with this framework's error, so that `?` works in handlers.
        #[derive(Clone, Debug)]
        pub struct Session($crate::Session);

        impl From<$crate::Session> for Session {
            fn from(session: $crate::Session) -> Self {
                Self(session)
            }
        }

        impl ::core::ops::Deref for Session {
            type Target = $crate::Session;

            fn deref(&self) -> &$crate::Session {
                &self.0
            }
        }

        impl Session {
            /// The session of the innermost middleware around the handler.
            pub(crate) fn installed(installed: Option<&$crate::Installed>) -> Result<Self, $error> {
                match installed {
                    Some(installed) => Ok(Self(installed.session().clone())),
                    None => Err($crate::SessionError::NotInstalled.into()),
                }
            }

            /// The session of the middleware whose cookie has this name.
            pub(crate) fn installed_as(installed: Option<&$crate::Installed>, cookie: &str) -> Result<Self, $error> {
                match installed.and_then(|installed| installed.named(cookie)) {
                    Some(session) => Ok(Self(session.clone())),
                    None => Err($crate::SessionError::NotInstalled.into()),
                }
            }

            /// See [`waxseal_http::Session::get`].
            pub async fn get<T: ::serde::de::DeserializeOwned>(&self, key: &str) -> Result<Option<T>, $error> {
                Ok(self.0.get(key).await?)
            }

            /// See [`waxseal_http::Session::keys`].
            pub async fn keys(&self) -> Result<Vec<String>, $error> {
                Ok(self.0.keys().await?)
            }

            /// See [`waxseal_http::Session::entries`].
            pub async fn entries(&self) -> Result<$crate::Data, $error> {
                Ok(self.0.entries().await?)
            }

            /// See [`waxseal_http::Session::is_new`].
            pub async fn is_new(&self) -> Result<bool, $error> {
                Ok(self.0.is_new().await?)
            }

            /// See [`waxseal_http::Session::subject`].
            pub async fn subject(&self) -> Result<Option<String>, $error> {
                Ok(self.0.subject().await?)
            }

            /// See [`waxseal_http::Session::times`].
            pub async fn times(&self) -> Result<Option<$crate::Times>, $error> {
                Ok(self.0.times().await?)
            }

            /// See [`waxseal_http::Session::id`].
            pub async fn id(&self) -> Result<Option<$crate::RowId>, $error> {
                Ok(self.0.id().await?)
            }

            /// See [`waxseal_http::Session::insert`].
            pub fn insert(&self, key: &str, value: impl ::serde::Serialize) -> Result<(), $error> {
                Ok(self.0.insert(key, value)?)
            }

            /// See [`waxseal_http::Session::update`].
            pub fn update<T, U>(
                &self,
                key: &str,
                f: impl Fn(Option<T>) -> U + Send + Sync + 'static,
            ) -> Result<(), $error>
            where
                T: ::serde::de::DeserializeOwned,
                U: ::serde::Serialize,
            {
                Ok(self.0.update(key, f)?)
            }

            /// See [`waxseal_http::Session::take`].
            pub async fn take<T: ::serde::de::DeserializeOwned>(&self, key: &str) -> Result<Option<T>, $error> {
                Ok(self.0.take(key).await?)
            }

            /// See [`waxseal_http::Session::take_once`].
            pub async fn take_once<T: ::serde::de::DeserializeOwned>(&self, key: &str) -> Result<Option<T>, $error> {
                Ok(self.0.take_once(key).await?)
            }

            /// See [`waxseal_http::Session::refresh`].
            pub async fn refresh(&self) -> Result<(), $error> {
                Ok(self.0.refresh().await?)
            }

            /// See [`waxseal_http::Session::ended`].
            pub async fn ended(&self) -> Result<(), $error> {
                Ok(self.0.ended().await?)
            }

            /// See [`waxseal_http::Session::sign_in`].
            pub fn sign_in(&self, subject: &str) -> Result<(), $error> {
                Ok(self.0.sign_in(subject)?)
            }

            /// See [`waxseal_http::Session::sign_in_with`].
            pub fn sign_in_with(&self, subject: &str, sign_in: $crate::SignIn) -> Result<(), $error> {
                Ok(self.0.sign_in_with(subject, sign_in)?)
            }

            /// See [`waxseal_http::Session::save`].
            pub async fn save(&self) -> Result<$crate::Outcome, $error> {
                Ok(self.0.save().await?)
            }

            /// See [`waxseal_http::Session::list`].
            pub async fn list(&self) -> Result<Vec<$crate::SessionInfo>, $error> {
                Ok(self.0.list().await?)
            }

            /// See [`waxseal_http::Session::list_after`].
            pub async fn list_after(&self, last: &$crate::SessionInfo) -> Result<Vec<$crate::SessionInfo>, $error> {
                Ok(self.0.list_after(last).await?)
            }

            /// See [`waxseal_http::Session::revoke`].
            pub async fn revoke(&self, id: $crate::RowId) -> Result<bool, $error> {
                Ok(self.0.revoke(id).await?)
            }

            /// See [`waxseal_http::Session::revoke_others`].
            pub async fn revoke_others(&self) -> Result<u64, $error> {
                Ok(self.0.revoke_others().await?)
            }

            /// See [`waxseal_http::Session::typed`].
            pub fn typed<T: $crate::TypedData>(&self) -> Typed<T> {
                Typed(self.0.typed())
            }
        }

        /// A signed-in session, checked against the database. If nobody is signed in, the response is a 401, and the handler is not
        /// called.
        #[derive(Clone, Debug)]
        pub struct SignedIn {
            /// Who is signed in.
            pub subject: String,
            /// The session.
            pub session: Session,
        }

        impl SignedIn {
            /// For extractors: if the store fails, the middleware learns of it and answers with that failure, whatever the
            /// handler does.
            pub(crate) async fn installed(installed: Option<&$crate::Installed>) -> Result<Option<Self>, $error> {
                let Some(installed) = installed else { return Err($crate::SessionError::NotInstalled.into()) };
                let subject = installed.subject().await?;
                Ok(subject.map(|subject| Self { subject, session: Session(installed.session().clone()) }))
            }

            pub(crate) fn required(this: Option<Self>) -> Result<Self, $error> {
                this.ok_or_else(|| $crate::SessionError::NotSignedIn.into())
            }

            /// The session with its subject; `None` if nobody is signed in.
            pub async fn optional(session: Session) -> Result<Option<Self>, $error> {
                Ok(session.subject().await?.map(|subject| Self { subject, session }))
            }

            /// The session with its subject; an error that is answered with 401 if nobody is signed in.
            pub async fn of(session: Session) -> Result<Self, $error> {
                Self::required(Self::optional(session).await?)
            }
        }

        /// Who is signed in, if anybody, checked against the database: for pages that everybody may see. If the store fails, the
        /// response is a 503: a failing store is never taken for "nobody is signed in".
        #[derive(Clone, Debug)]
        pub struct MaybeSignedIn(pub Option<SignedIn>);

        impl ::core::ops::Deref for MaybeSignedIn {
            type Target = Option<SignedIn>;

            fn deref(&self) -> &Option<SignedIn> {
                &self.0
            }
        }

        /// The session of one cookie, for an application that has several, such as one for a shop and one for its administration.
        /// `N` names the cookie.
        ///
        /// [`Session`] and [`SignedIn`] are those of the innermost middleware around the handler.
        #[derive(Clone, Debug)]
        pub struct Named<N> {
            session: Session,
            name: ::core::marker::PhantomData<fn() -> N>,
        }

        impl<N: $crate::CookieName> Named<N> {
            pub(crate) fn installed(installed: Option<&$crate::Installed>) -> Result<Self, $error> {
                let session = Session::installed_as(installed, N::COOKIE_NAME)?;
                Ok(Self { session, name: ::core::marker::PhantomData })
            }

            /// The session itself.
            pub fn into_inner(self) -> Session {
                self.session
            }
        }

        impl<N> ::core::ops::Deref for Named<N> {
            type Target = Session;

            fn deref(&self) -> &Session {
                &self.session
            }
        }

        /// Lists and ends the sessions of any subject: [`waxseal_http::Sessions`] with this framework's error, so that `?` works
        /// in handlers. Handlers take it as an argument; it can also be made from `Sessions`.
        #[derive(Clone, Debug)]
        pub struct SubjectSessions($crate::Sessions);

        impl From<$crate::Sessions> for SubjectSessions {
            fn from(sessions: $crate::Sessions) -> Self {
                Self(sessions)
            }
        }

        impl SubjectSessions {
            pub(crate) fn installed(installed: Option<&$crate::Installed>) -> Result<Self, $error> {
                match installed {
                    Some(installed) => Ok(Self(installed.sessions().clone())),
                    None => Err($crate::SessionError::NotInstalled.into()),
                }
            }

            /// See [`waxseal_http::Sessions::list`].
            pub async fn list(&self, subject: &str) -> Result<Vec<$crate::SessionInfo>, $error> {
                Ok(self.0.list(subject).await?)
            }

            /// See [`waxseal_http::Sessions::list_after`].
            pub async fn list_after(
                &self,
                subject: &str,
                last: &$crate::SessionInfo,
            ) -> Result<Vec<$crate::SessionInfo>, $error> {
                Ok(self.0.list_after(subject, last).await?)
            }

            /// See [`waxseal_http::Sessions::revoke`].
            pub async fn revoke(&self, subject: &str, id: $crate::RowId) -> Result<bool, $error> {
                Ok(self.0.revoke(subject, id).await?)
            }

            /// See [`waxseal_http::Sessions::revoke_others`].
            pub async fn revoke_others(&self, subject: &str, keep: $crate::RowId) -> Result<u64, $error> {
                Ok(self.0.revoke_others(subject, keep).await?)
            }

            /// See [`waxseal_http::Sessions::revoke_all`].
            pub async fn revoke_all(&self, subject: &str) -> Result<u64, $error> {
                Ok(self.0.revoke_all(subject).await?)
            }
        }

        /// One serde struct under one key: [`waxseal_http::Typed`] with this framework's error.
        #[derive(Clone, Debug)]
        pub struct Typed<T>($crate::Typed<T>);

        impl<T: $crate::TypedData> ::core::ops::Deref for Typed<T> {
            type Target = $crate::Typed<T>;

            fn deref(&self) -> &$crate::Typed<T> {
                &self.0
            }
        }

        impl<T: $crate::TypedData> Typed<T> {
            /// See [`waxseal_http::Typed::get`].
            pub async fn get(&self) -> Result<T, $error> {
                Ok(self.0.get().await?)
            }

            /// See [`waxseal_http::Typed::set`].
            pub fn set(&self, value: &T) -> Result<(), $error> {
                Ok(self.0.set(value)?)
            }

            /// See [`waxseal_http::Typed::update`].
            pub fn update(&self, f: impl Fn(&mut T) + Send + Sync + 'static) -> Result<(), $error> {
                Ok(self.0.update(f)?)
            }
        }
    };
}
