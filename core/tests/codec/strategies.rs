//! Random values of the types.

use std::{
    marker::PhantomData,
    net::IpAddr,
    num::{NonZeroI8, NonZeroU64, Wrapping},
    ops::Bound,
    time::{Duration, SystemTime},
};

use proptest::{collection, option, prelude::*};

use crate::types::*;

pub(crate) fn real() -> impl Strategy<Value = Real> {
    prop_oneof![
        any::<f64>().prop_map(Real),
        any::<u64>().prop_map(|bits| Real(f64::from_bits(bits))),
        any::<i32>().prop_map(|whole| Real(whole.into())),
        prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, f64::MIN_POSITIVE]).prop_map(Real),
    ]
}

fn suit() -> impl Strategy<Value = Suit> {
    prop_oneof![Just(Suit::Hearts), Just(Suit::Spades)]
}

/// Text keys; now and then one that looks like an integer or a boolean.
pub(crate) fn text_key() -> impl Strategy<Value = String> {
    prop_oneof![9 => "[a-z]{0,3}", 1 => "-?[0-9]{1,3}|true|false"]
}

fn scalars() -> impl Strategy<Value = Scalars> {
    (
        any::<(bool, (i8, i16, i32, i64), (u8, u16, u32, u64), f32, char)>(),
        any::<(String, Vec<u8>, Option<u8>)>(),
        suit(),
    )
        .prop_map(|((flag, signed, unsigned, single, letter), (text, bytes, skipped), suit)| Scalars {
            flag,
            signed,
            unsigned,
            single,
            letter,
            text,
            bytes,
            skipped,
            suit,
        })
}

fn bound() -> impl Strategy<Value = Bound<u8>> {
    prop_oneof![Just(Bound::Unbounded), any::<u8>().prop_map(Bound::Included), any::<u8>().prop_map(Bound::Excluded)]
}

fn std_types() -> impl Strategy<Value = Std> {
    (
        (any::<(u32, u32, IpAddr)>(), "[a-z/]{0,9}", any::<(i32, i32)>(), (bound(), bound())),
        any::<Result<u8, String>>(),
        any::<(NonZeroI8, NonZeroU64, i16, [u16; 3])>(),
        collection::btree_set(any::<i64>(), 0..3),
    )
        .prop_map(
            |(((secs, nanos, ip), path, (start, end), bounds), result, (small, large, wrapping, array), set)| {
                let duration = Duration::new(secs.into(), nanos % 1_000_000_000);
                Std {
                    duration,
                    time: SystemTime::UNIX_EPOCH + duration,
                    ip,
                    path: path.clone().into(),
                    range: start..end,
                    bounds,
                    result,
                    non_zero: (small, large),
                    wrapping: Wrapping(wrapping),
                    phantom: PhantomData,
                    array,
                    no_array: [],
                    set,
                    never: vec![],
                    units: ((), Unit, Empty {}),
                    boxed: path.into(),
                }
            },
        )
}

fn leaf() -> impl Strategy<Value = Tree> {
    prop_oneof![
        4 => scalars().prop_map(Tree::Scalars),
        4 => std_types().prop_map(|std| Tree::Std(Box::new(std))),
        4 => real().prop_map(Tree::Real),
        1 => any::<i128>().prop_map(Tree::Wide),
        1 => any::<u64>().prop_map(|n| Tree::WideUnsigned(n.into())),
        4 => any::<Option<u8>>().prop_map(Tree::Option),
        2 => any::<Option<Option<bool>>>().prop_map(Tree::Options),
        2 => any::<Option<()>>().prop_map(Tree::OptionalUnit),
        4 => collection::btree_map(any::<NonZeroI8>(), any::<u8>(), 0..3).prop_map(Tree::SmallKeys),
        2 => collection::btree_map(any::<char>(), any::<u8>(), 0..3).prop_map(Tree::CharKeys),
        2 => collection::btree_map(suit(), any::<u8>(), 0..3).prop_map(Tree::SuitKeys),
        1 => collection::btree_map(option::of(any::<u8>()), any::<u8>(), 0..2).prop_map(Tree::OptionKeys),
    ]
}

pub(crate) fn tree() -> impl Strategy<Value = Tree> {
    leaf().prop_recursive(4, 12, 3, |tree| {
        prop_oneof![
            collection::btree_map(any::<i64>(), tree.clone(), 0..3).prop_map(Tree::SignedKeys),
            collection::btree_map(any::<u64>(), tree.clone(), 0..3).prop_map(Tree::UnsignedKeys),
            collection::btree_map(any::<bool>(), tree.clone(), 0..2).prop_map(Tree::BoolKeys),
            collection::btree_map(text_key(), tree.clone(), 0..3).prop_map(Tree::TextKeys),
            tree.clone().prop_map(|inner| Tree::Plain(Box::new(Plain { before: 1, inner }))),
            tree.clone().prop_map(|inner| Tree::External(Box::new(External::Struct { inner }))),
            tree.clone().prop_map(|inner| Tree::Internal(Box::new(Internal::Struct { inner }))),
            tree.clone().prop_map(|inner| Tree::TagLast(Box::new(TagLast::New(inner)))),
            tree.clone().prop_map(|inner| Tree::TagLast(Box::new(TagLast::Struct { inner }))),
            tree.clone().prop_map(|inner| Tree::TagFirst(Box::new(TagFirst::Tuple(inner, 1)))),
            tree.clone().prop_map(|untagged| Tree::Untagged(Box::new(Untagged::Struct { untagged }))),
            tree.clone().prop_map(|inner| Tree::Untagged(Box::new(Untagged::Tuple(inner, true, Unit)))),
            tree.clone()
                .prop_map(|inner| { Tree::Flat(Box::new(Flat { id: 1, flattened: Plain { before: 1, inner } })) }),
            collection::btree_map(text_key(), tree.clone(), 0..3)
                .prop_map(|flattened| Tree::FlatMap(FlatMap { id: 1, flattened })),
            collection::vec(tree, 0..3).prop_map(Tree::Trees),
        ]
    })
}
