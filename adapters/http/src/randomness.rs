//! Where random values come from: the operating system, or in a simulation its seed, so that a run can be repeated.

use std::time::Duration;

use waxseal_core::{Nonce, Secret};

use crate::SessionError;

#[cfg(feature = "simulation")]
type Source = Box<dyn Fn(&mut [u8]) + Send + Sync>;

/// The source of secrets, nonces and random waits.
#[derive(Default)]
pub(crate) struct Randomness {
    /// Not secret: a simulation's.
    #[cfg(feature = "simulation")]
    simulated: Option<Source>,
}

impl Randomness {
    #[cfg(feature = "simulation")]
    pub(crate) fn simulated(fill: impl Fn(&mut [u8]) + Send + Sync + 'static) -> Self {
        Self { simulated: Some(Box::new(fill)) }
    }

    /// A simulation's bytes, if there is one.
    #[cfg(feature = "simulation")]
    fn drawn<const N: usize>(&self) -> Option<[u8; N]> {
        let fill = self.simulated.as_ref()?;
        let mut bytes = [0; N];
        fill(&mut bytes);
        Some(bytes)
    }

    #[cfg(not(feature = "simulation"))]
    const fn drawn<const N: usize>(&self) -> Option<[u8; N]> {
        None
    }

    pub(crate) fn secret(&self) -> Result<Secret, SessionError> {
        match self.drawn() {
            Some(bytes) => Ok(Secret::from_bytes(bytes)),
            None => Secret::random().map_err(|_| SessionError::Random),
        }
    }

    pub(crate) fn nonce(&self) -> Result<Nonce, SessionError> {
        match self.drawn() {
            Some(bytes) => Ok(Nonce::from_bytes(bytes)),
            None => Nonce::random().map_err(|_| SessionError::Random),
        }
    }

    /// A wait below `most`.
    pub(crate) fn wait(&self, most: Duration) -> Duration {
        use std::hash::{BuildHasher, RandomState};
        let number = match self.drawn() {
            Some(bytes) => u64::from_le_bytes(bytes),
            None => RandomState::new().hash_one(most),
        };
        let most = u64::try_from(most.as_micros()).unwrap_or(u64::MAX).max(1);
        Duration::from_micros(number % most)
    }
}
