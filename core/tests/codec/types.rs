//! Types of every shape that serde has.

use std::{
    collections::{BTreeMap, BTreeSet},
    marker::PhantomData,
    net::IpAddr,
    num::{NonZeroI8, NonZeroU64, Wrapping},
    ops::{Bound, Range},
    path::PathBuf,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

/// A float that is equal to itself, with its bits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Real(pub(crate) f64);

impl PartialEq for Real {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Unit;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Empty {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Never {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Suit {
    Hearts,
    Spades,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Scalars {
    pub(crate) flag: bool,
    pub(crate) signed: (i8, i16, i32, i64),
    pub(crate) unsigned: (u8, u16, u32, u64),
    pub(crate) single: f32,
    pub(crate) letter: char,
    pub(crate) text: String,
    #[serde(with = "serde_bytes")]
    pub(crate) bytes: Vec<u8>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) skipped: Option<u8>,
    #[serde(rename = "type")]
    pub(crate) suit: Suit,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Std {
    pub(crate) duration: Duration,
    pub(crate) time: SystemTime,
    pub(crate) ip: IpAddr,
    pub(crate) path: PathBuf,
    pub(crate) range: Range<i32>,
    pub(crate) bounds: (Bound<u8>, Bound<u8>),
    pub(crate) result: Result<u8, String>,
    pub(crate) non_zero: (NonZeroI8, NonZeroU64),
    pub(crate) wrapping: Wrapping<i16>,
    pub(crate) phantom: PhantomData<u8>,
    pub(crate) array: [u16; 3],
    pub(crate) no_array: [u16; 0],
    pub(crate) set: BTreeSet<i64>,
    pub(crate) never: Vec<Never>,
    pub(crate) units: ((), Unit, Empty),
    pub(crate) boxed: Box<str>,
}

/// A tree of every kind of value in every representation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Tree {
    Scalars(Scalars),
    Std(Box<Std>),
    Real(Real),
    Wide(i128),
    WideUnsigned(u128),
    Option(Option<u8>),
    Options(Option<Option<bool>>),
    OptionalUnit(Option<()>),
    SignedKeys(BTreeMap<i64, Tree>),
    UnsignedKeys(BTreeMap<u64, Tree>),
    SmallKeys(BTreeMap<NonZeroI8, u8>),
    BoolKeys(BTreeMap<bool, Tree>),
    CharKeys(BTreeMap<char, u8>),
    SuitKeys(BTreeMap<Suit, u8>),
    TextKeys(BTreeMap<String, Tree>),
    OptionKeys(BTreeMap<Option<u8>, u8>),
    Plain(Box<Plain<Tree>>),
    External(Box<External<Tree>>),
    Internal(Box<Internal<Tree>>),
    TagLast(Box<TagLast<Tree>>),
    TagFirst(Box<TagFirst<Tree>>),
    Untagged(Box<Untagged<Tree>>),
    Flat(Box<Flat<Tree>>),
    FlatMap(FlatMap<Tree>),
    Trees(Vec<Tree>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plain<T> {
    pub(crate) before: u8,
    pub(crate) inner: T,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum External<T> {
    Unit,
    New(T),
    Tuple(T, u8),
    Struct { inner: T },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "tag")]
pub(crate) enum Internal<T> {
    Unit,
    New(T),
    Struct {
        inner: T,
    },
    #[serde(other)]
    Other,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", content = "c")]
pub(crate) enum TagLast<T> {
    Unit,
    New(T),
    Tuple(T, u8),
    Struct { inner: T },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", deny_unknown_fields)]
pub(crate) enum TagFirst<T> {
    Unit,
    New(T),
    Tuple(T, u8),
    Struct { inner: T },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Untagged<T> {
    Struct { untagged: T },
    Tuple(T, bool, Unit),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum UntaggedNew<T> {
    New(T),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Flat<T> {
    pub(crate) id: u8,
    #[serde(flatten)]
    pub(crate) flattened: Plain<T>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FlatMap<T> {
    pub(crate) id: u8,
    #[serde(flatten)]
    pub(crate) flattened: BTreeMap<String, T>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FlatKeys<K: Ord> {
    #[serde(flatten)]
    pub(crate) flattened: BTreeMap<K, u8>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FlatOption {
    #[serde(flatten)]
    pub(crate) flattened: Option<Plain<BTreeMap<u8, u8>>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Either {
    ById(BTreeMap<u8, u8>),
    ByName(BTreeMap<String, u8>),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum EitherKey {
    Number(u8),
    Text(String),
}
