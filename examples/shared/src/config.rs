//! The application's configuration, from environment variables.

use std::{
    env,
    fs::OpenOptions,
    io::{self, Read, Write},
    str::FromStr,
    time::Duration,
};

use waxseal_http::RootKey;

use crate::clock::ExampleClock;

/// The file of the key that the first run makes.
const KEY_FILE: &str = "waxseal-example.key";

/// The longest time to remember somebody: browsers keep no cookie longer (RFC 6265bis, 5.5), in seconds.
const LONGEST_REMEMBER_S: u64 = 400 * 24 * 3600;

pub struct Config {
    /// `HOST` (127.0.0.1) and `PORT` (3000).
    pub address: String,
    /// `DATABASE_URL`. If it is not set, a SQLite file in the working directory.
    pub(crate) database_url: String,
    /// `WAXSEAL_CACHE=1`: copies of rows in memory. On PostgreSQL, every process sees the others' sign-outs within milliseconds and their changes within a quarter of a
    /// second.
    pub(crate) cache: bool,
    /// `WAXSEAL_SECURE_COOKIE=1`: behind TLS. Else cookies for plain HTTP, for development.
    pub(crate) secure_cookie: bool,
    /// `WAXSEAL_IDLE_TIMEOUT`, in seconds; 30 minutes.
    pub(crate) idle_timeout: Duration,
    /// `WAXSEAL_LIFETIME`, in seconds; 8 hours.
    pub(crate) lifetime: Duration,
    /// `WAXSEAL_TOUCH_INTERVAL`, in seconds; a tenth of the idle timeout, at most a minute.
    pub(crate) touch_interval: Duration,
    /// `WAXSEAL_REMEMBER`, in seconds; 30 days. How long a session lasts that begins with "Remember me".
    pub(crate) remember: Duration,
    /// The operating system's; tests move it by `WAXSEAL_EXAMPLE_CLOCK`.
    pub clock: ExampleClock,
    /// `WAXSEAL_KEYS`.
    keys: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{name} is {value:?}, not {wanted}")]
    Value { name: &'static str, value: String, wanted: &'static str },
    #[error("the key file {KEY_FILE} cannot be read or made: {0}; set WAXSEAL_KEYS instead")]
    KeyFile(#[from] io::Error),
    #[error("no random bytes for a key: {0}")]
    Random(String),
}

impl Config {
    pub fn from_env() -> Result<Self, ConfigError> {
        let seconds = |name, default: Duration| {
            let seconds = parsed(name, "a number of seconds", default.as_secs())?;
            Ok::<_, ConfigError>(Duration::from_secs(seconds))
        };
        let idle_timeout = seconds("WAXSEAL_IDLE_TIMEOUT", Duration::from_secs(30 * 60))?;
        Ok(Self {
            address: format!(
                "{}:{}",
                env::var("HOST").unwrap_or_else(|_| "127.0.0.1".into()),
                parsed("PORT", "a port from 0 to 65535", 3000u16)?
            ),
            database_url: env::var("DATABASE_URL")
                .unwrap_or_else(|_| "sqlite://waxseal-example.sqlite?mode=rwc".into()),
            cache: parsed("WAXSEAL_CACHE", "0 or 1", 0u8)? != 0,
            secure_cookie: parsed("WAXSEAL_SECURE_COOKIE", "0 or 1", 0u8)? != 0,
            idle_timeout,
            lifetime: seconds("WAXSEAL_LIFETIME", Duration::from_secs(8 * 3600))?,
            touch_interval: seconds("WAXSEAL_TOUCH_INTERVAL", Duration::from_secs(60).min(idle_timeout / 10))?,
            remember: remember()?,
            clock: ExampleClock::new(env::var_os("WAXSEAL_EXAMPLE_CLOCK").map(Into::into)),
            keys: env::var("WAXSEAL_KEYS").ok(),
        })
    }

    /// The keys in `WAXSEAL_KEYS`. If that is not set, those in a file that the first run makes.
    pub fn keys(&self) -> Result<String, ConfigError> {
        if let Some(keys) = &self.keys {
            return Ok(keys.clone());
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(KEY_FILE) {
            Ok(mut file) => {
                let key = RootKey::generate().map_err(|error| ConfigError::Random(error.to_string()))?.to_text();
                writeln!(file, "{}", *key)?;
                tracing::info!("made a session key and stored it in {KEY_FILE}; set WAXSEAL_KEYS to use your own");
                Ok(key.to_string())
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let mut keys = String::new();
                std::fs::File::open(KEY_FILE)?.read_to_string(&mut keys)?;
                tracing::info!("using the session key in {KEY_FILE}");
                Ok(keys)
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn remember() -> Result<Duration, ConfigError> {
    const NAME: &str = "WAXSEAL_REMEMBER";
    const WANTED: &str = "a number of seconds from 1 to 34560000 (400 days)";
    match parsed(NAME, WANTED, 30 * 24 * 3600)? {
        seconds @ 1..=LONGEST_REMEMBER_S => Ok(Duration::from_secs(seconds)),
        seconds => Err(ConfigError::Value { name: NAME, value: seconds.to_string(), wanted: WANTED }),
    }
}

fn parsed<T: FromStr>(name: &'static str, wanted: &'static str, default: T) -> Result<T, ConfigError> {
    match env::var(name) {
        Ok(value) => value.trim().parse().map_err(|_| ConfigError::Value { name, value, wanted }),
        Err(_) => Ok(default),
    }
}
