//! Erlang's external term format, read as untrusted input.

use std::borrow::Cow;

use serde::{
    Serialize, Serializer,
    ser::{Error as _, SerializeMap as _},
};
use waxseal_core::{Data, Value, to_value};

/// The maximum nesting depth of terms. A session's value may be 32 levels deep; a token adds a tuple around it.
const MAX_DEPTH: usize = 40;

/// The longest atom, in characters. Erlang itself refuses longer ones.
const MAX_ATOM_CHARS: usize = 255;

/// Why bytes are not a term that a session can hold.
///
/// The text never shows the term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TermError {
    /// The bytes do not begin with the version number 131.
    #[error("the bytes are not in Erlang's external term format")]
    Version,
    /// The bytes end inside a term.
    #[error("the term is cut short")]
    Truncated,
    /// Bytes follow the term.
    #[error("bytes follow the term")]
    TrailingBytes,
    /// The term is a function, a pid, a reference or of another kind that no session value can represent.
    #[error("a term of tag {0} cannot be read; only maps, lists, tuples, binaries, atoms and numbers can")]
    Kind(u8),
    /// The term is nested too deep.
    #[error("the term is nested too deep")]
    TooDeep,
    /// An integer does not fit into 64 bits.
    #[error("an integer does not fit into 64 bits")]
    Integer,
    /// A float is infinite or not a number. Erlang has no such floats.
    #[error("a float is not finite")]
    Float,
    /// An atom is not UTF-8 or too long.
    #[error("an atom is not valid")]
    Atom,
    /// A list does not end with the empty list.
    #[error("a list does not end with the empty list")]
    ImproperList,
    /// A map has a key that is not text, an atom or an integer, or two keys with the same text.
    #[error("a map has a key that cannot be text, or two keys with the same text")]
    MapKey,
    /// The term is not a map, but session data must be one.
    #[error("the term is not a map")]
    NotAMap,
}

/// Decodes one term to a value.
///
/// | Erlang, Elixir | value |
/// | --- | --- |
/// | `true`, `false` | boolean |
/// | `nil` | nothing |
/// | any other atom | text |
/// | binary | text if it is UTF-8, otherwise bytes |
/// | integer of at most 64 bits, float | number |
/// | list, charlist, tuple | sequence |
/// | map, struct | map. Its keys are text: binaries, names of atoms, and integers in decimal |
///
/// Everything else is refused: functions, pids, ports, references, bit strings, larger integers, compressed terms, improper
/// lists, and maps in which two keys have the same text, such as `"id"` and `:id`.
///
/// Memory is bounded by the length of `bytes`, never by a length that they claim. Atoms are not stored.
pub fn decode_term(bytes: &[u8]) -> Result<Value, TermError> {
    Term::decode(bytes)?.to_value()
}

/// A term. It borrows from the bytes.
#[derive(Debug, PartialEq)]
pub(super) enum Term<'a> {
    Atom(Cow<'a, str>),
    Binary(&'a [u8]),
    Integer(i64),
    Unsigned(u64),
    Float(f64),
    /// A list or a tuple.
    Sequence(Vec<Term<'a>>),
    Map(Vec<(Term<'a>, Term<'a>)>),
}

impl<'a> Term<'a> {
    /// Reads a term that takes up all of `bytes`.
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, TermError> {
        let mut input = Input(bytes);
        if input.u8()? != 131 {
            return Err(TermError::Version);
        }
        let term = input.term(MAX_DEPTH)?;
        if input.0.is_empty() { Ok(term) } else { Err(TermError::TrailingBytes) }
    }

    /// As a session value.
    pub(super) fn to_value(&self) -> Result<Value, TermError> {
        // The keys are checked first, so that `to_value` can only refuse the depth.
        self.check_keys()?;
        match self {
            Self::Map(pairs) => sorted(pairs)?
                .into_iter()
                .try_fold(Data::new(), |mut data, (key, value)| {
                    data.insert(&key, value).map_err(|_| TermError::TooDeep)?;
                    Ok(data)
                })
                .map(Value::Map),
            other => to_value(other).map_err(|_| TermError::TooDeep),
        }
    }

    fn check_keys(&self) -> Result<(), TermError> {
        match self {
            Self::Sequence(terms) => terms.iter().try_for_each(Self::check_keys),
            Self::Map(pairs) => {
                sorted(pairs)?;
                pairs.iter().try_for_each(|(_, value)| value.check_keys())
            }
            _ => Ok(()),
        }
    }

    /// As the text of a map key.
    fn key(&self) -> Result<Cow<'_, str>, TermError> {
        match self {
            Self::Atom(name) => Ok(Cow::Borrowed(name)),
            Self::Binary(bytes) => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| TermError::MapKey),
            Self::Integer(number) => Ok(number.to_string().into()),
            Self::Unsigned(number) => Ok(number.to_string().into()),
            _ => Err(TermError::MapKey),
        }
    }
}

/// The entries of a map, in order of their keys.
fn sorted<'t, 'a>(pairs: &'t [(Term<'a>, Term<'a>)]) -> Result<Vec<(Cow<'t, str>, &'t Term<'a>)>, TermError> {
    let mut entries = pairs.iter().map(|(key, value)| Ok((key.key()?, value))).collect::<Result<Vec<_>, _>>()?;
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    if entries.is_sorted_by(|(a, _), (b, _)| a < b) { Ok(entries) } else { Err(TermError::MapKey) }
}

impl Serialize for Term<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Atom(name) => match name.as_ref() {
                "true" => serializer.serialize_bool(true),
                "false" => serializer.serialize_bool(false),
                "nil" => serializer.serialize_unit(),
                name => serializer.serialize_str(name),
            },
            Self::Binary(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => serializer.serialize_str(text),
                Err(_) => serializer.serialize_bytes(bytes),
            },
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Unsigned(number) => serializer.serialize_u64(*number),
            Self::Float(number) => serializer.serialize_f64(*number),
            Self::Sequence(terms) => serializer.collect_seq(terms),
            Self::Map(pairs) => {
                let mut map = serializer.serialize_map(Some(pairs.len()))?;
                for (key, value) in pairs {
                    map.serialize_entry(key.key().map_err(S::Error::custom)?.as_ref(), value)?;
                }
                map.end()
            }
        }
    }
}

/// The bytes that have not been read yet.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], TermError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(TermError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], TermError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(TermError::Truncated)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u8(&mut self) -> Result<u8, TermError> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    fn u16(&mut self) -> Result<usize, TermError> {
        Ok(u16::from_be_bytes(self.array()?).into())
    }

    /// A length. A length that does not fit into memory means that the term is cut short.
    fn u32(&mut self) -> Result<usize, TermError> {
        usize::try_from(u32::from_be_bytes(self.array()?)).map_err(|_| TermError::Truncated)
    }

    fn term(&mut self, depth: usize) -> Result<Term<'a>, TermError> {
        let depth = depth.checked_sub(1).ok_or(TermError::TooDeep)?;
        Ok(match self.u8()? {
            70 => Term::Float(self.float()?),
            97 => Term::Integer(self.u8()?.into()),
            98 => Term::Integer(i32::from_be_bytes(self.array()?).into()),
            100 => {
                let len = self.u16()?;
                latin1(self.take(len)?)?
            }
            104 => {
                let len = self.u8()?.into();
                Term::Sequence(self.terms(len, depth)?)
            }
            105 => {
                let len = self.u32()?;
                Term::Sequence(self.terms(len, depth)?)
            }
            106 => Term::Sequence(Vec::new()),
            107 => {
                let len = self.u16()?;
                Term::Sequence(self.take(len)?.iter().map(|byte| Term::Integer((*byte).into())).collect())
            }
            108 => Term::Sequence(self.list(depth)?),
            109 => {
                let len = self.u32()?;
                Term::Binary(self.take(len)?)
            }
            110 => {
                let len = self.u8()?.into();
                self.big(len)?
            }
            111 => {
                let len = self.u32()?;
                self.big(len)?
            }
            115 => {
                let len = self.u8()?.into();
                latin1(self.take(len)?)?
            }
            116 => Term::Map(self.map(depth)?),
            118 => {
                let len = self.u16()?;
                utf8(self.take(len)?)?
            }
            119 => {
                let len = self.u8()?.into();
                utf8(self.take(len)?)?
            }
            tag => return Err(TermError::Kind(tag)),
        })
    }

    /// This many terms. The vector grows as they are read: the length cannot be trusted.
    fn terms(&mut self, len: usize, depth: usize) -> Result<Vec<Term<'a>>, TermError> {
        let mut terms = Vec::new();
        for _ in 0..len {
            terms.push(self.term(depth)?);
        }
        Ok(terms)
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Term<'a>>, TermError> {
        let len = self.u32()?;
        let terms = self.terms(len, depth)?;
        if self.u8()? == 106 { Ok(terms) } else { Err(TermError::ImproperList) }
    }

    fn map(&mut self, depth: usize) -> Result<Vec<(Term<'a>, Term<'a>)>, TermError> {
        let len = self.u32()?;
        let mut pairs = Vec::new();
        for _ in 0..len {
            pairs.push((self.term(depth)?, self.term(depth)?));
        }
        Ok(pairs)
    }

    fn float(&mut self) -> Result<f64, TermError> {
        let float = f64::from_be_bytes(self.array()?);
        if float.is_finite() { Ok(float) } else { Err(TermError::Float) }
    }

    /// An integer of `len` bytes: its sign, then its magnitude, lowest byte first.
    fn big(&mut self, len: usize) -> Result<Term<'a>, TermError> {
        let negative = self.u8()? != 0;
        let bytes = self.take(len)?;
        let digits = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
        let mut magnitude = [0; 8];
        let low = magnitude.get_mut(..digits).ok_or(TermError::Integer)?;
        low.copy_from_slice(bytes.get(..digits).unwrap_or_default());
        let magnitude = u64::from_le_bytes(magnitude);
        if negative {
            0i64.checked_sub_unsigned(magnitude).map(Term::Integer).ok_or(TermError::Integer)
        } else {
            Ok(i64::try_from(magnitude).map_or(Term::Unsigned(magnitude), Term::Integer))
        }
    }
}

fn latin1(bytes: &[u8]) -> Result<Term<'_>, TermError> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => utf8(bytes),
        _ if bytes.len() > MAX_ATOM_CHARS => Err(TermError::Atom),
        _ => Ok(Term::Atom(bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into())),
    }
}

fn utf8(bytes: &[u8]) -> Result<Term<'_>, TermError> {
    let text = std::str::from_utf8(bytes).map_err(|_| TermError::Atom)?;
    if text.chars().count() > MAX_ATOM_CHARS { Err(TermError::Atom) } else { Ok(Term::Atom(text.into())) }
}
