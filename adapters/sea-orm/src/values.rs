//! Conversions between the values of the engine and those of a database.

use sea_orm::{DbErr, QueryResult, TryGetable, Value};
use uuid::Uuid;
use waxseal_http::{Found, Row, RowId, StoreError, TOMBSTONE_S, Timestamp};

use crate::{Fate, pooler::explained};

/// The generation of a tombstone.
const ENDED: u64 = 0;

/// The values of a tombstone, in the order in which the statements use them.
pub(crate) fn tombstone(now: Timestamp) -> [Value; 3] {
    let gone_at = now.plus_seconds(TOMBSTONE_S);
    [Vec::<u8>::new().into(), integer(now.unix_seconds()), integer(gone_at.unix_seconds())]
}

/// What a loaded row holds.
pub(crate) fn found(row: &QueryResult) -> Result<Found, StoreError> {
    let generation = unsigned(row, 1)?;
    if generation == ENDED {
        // `seen_at` is the second of the end. `created_at` also has its milliseconds if `end_many` left the tombstone.
        let (second, exact) = (seconds(row, 6)?, Timestamp::from_unix_ms(unsigned(row, 4)?));
        let same = exact.unix_seconds() == second.unix_seconds();
        return Ok(Found::Ended(if same { exact } else { second }));
    }
    Ok(Found::Session(Row { data: column(row, 8)?, ..listed(row)? }))
}

/// A row for a list.
pub(crate) fn listed(found: &QueryResult) -> Result<Row, StoreError> {
    Ok(Row {
        id: column::<Uuid>(found, 0)?.into(),
        generation: unsigned(found, 1)?,
        subject: column(found, 2)?,
        label: column(found, 3)?,
        created_at: Timestamp::from_unix_ms(unsigned(found, 4)?),
        lifetime_s: unsigned(found, 5)?,
        seen_at: seconds(found, 6)?,
        expires_at: seconds(found, 7)?,
        data: Vec::new(),
    })
}

pub(crate) fn rolled_back(error: &(dyn std::error::Error + 'static)) -> bool {
    Fate::of(error) == Fate::RolledBack
}

/// The error of a statement that writes.
pub(crate) fn written(error: DbErr) -> StoreError {
    match Fate::of(&error) {
        Fate::Unknown => StoreError::Unknown(explained(error)),
        Fate::RolledBack | Fate::Failed => backend(error),
    }
}

pub(crate) fn backend(error: DbErr) -> StoreError {
    StoreError::backend(explained(error))
}

pub(crate) fn key(id: RowId) -> Value {
    Uuid::from(id).into()
}

/// Times and counts as the signed integers of databases.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn integer(number: u64) -> Value {
    signed(number).into()
}

pub(crate) fn column<T: TryGetable>(row: &QueryResult, index: usize) -> Result<T, StoreError> {
    row.try_get_by_index(index).map_err(|_| StoreError::Damaged("a column has another type than the migration made"))
}

pub(crate) fn unsigned(row: &QueryResult, index: usize) -> Result<u64, StoreError> {
    u64::try_from(column::<i64>(row, index)?).map_err(|_| StoreError::Damaged("a number is negative"))
}

pub(crate) fn seconds(row: &QueryResult, index: usize) -> Result<Timestamp, StoreError> {
    unsigned(row, index).map(Timestamp::from_unix_seconds)
}
