//! waxseal in WebAssembly: what the npm package `waxseal` calls to open cookies and rows.
//!
//! A call passes its bytes through two buffers that this side owns, and nothing else: copying strings and building objects one
//! property at a time would cost more than the cryptography. JavaScript writes into [`Edge::input`], calls, and reads
//! [`Edge::output`]; the layouts stand at the functions. What goes in is wiped before a call returns, what comes out is wiped by
//! [`Edge::wipe`], what is freed by the allocator, and the stack by JavaScript.

#![cfg_attr(target_arch = "wasm32", no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod buffer;
mod output;

use alloc::vec::Vec;
use core::cmp::Ordering;

use wasm_bindgen::prelude::wasm_bindgen;
use waxseal_core::{
    Data, EdgeKeys, Feed, Freshness, KeyError, OpenError, RowError, Standing, Ticket, TicketError, Timestamp,
};

use crate::{buffer::wipe, output::Output};

/// Small, and enough for one thread. What is freed is wiped: texts, claims and a row's data are secrets of the session too.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<dlmalloc::GlobalDlmalloc> =
    zeroizing_alloc::ZeroAlloc(dlmalloc::GlobalDlmalloc);

/// No input makes this code panic. If it panicked all the same, the instance would stop and JavaScript would get a `RuntimeError`.
#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// The codes of what cannot be done. JavaScript has their texts.
mod refusal {
    pub(crate) const MALFORMED: i32 = -1;
    pub(crate) const UNKNOWN_KEY: i32 = -2;
    pub(crate) const FORGED: i32 = -3;
    pub(crate) const EXPIRED: i32 = -4;
    pub(crate) const NOT_YET_VALID: i32 = -5;
    pub(crate) const BEHIND: i32 = -6;
    pub(crate) const NO_ROW: i32 = -7;
    pub(crate) const NO_ROW_KEYS: i32 = -8;
    pub(crate) const NO_KEYS: i32 = -9;
    pub(crate) const DUPLICATE_KEY: i32 = -10;
    pub(crate) const NOT_AN_EDGE_KEY: i32 = -11;
    pub(crate) const ENDED: i32 = -12;
    pub(crate) const OLDER: i32 = -13;
}

/// How far ahead of the present a feed may be made, in milliseconds: as far as a ticket.
const MAX_AHEAD_MS: u64 = 5 * 60 * 1000;

/// Edge keys and the name of the cookie that they open, the newest feed of ended sessions, and the buffers of its calls.
#[wasm_bindgen]
#[derive(Default)]
pub struct Edge {
    keys: Option<EdgeKeys>,
    name: Vec<u8>,
    feed: Option<Feed>,
    input: Vec<u8>,
    output: Output,
}

#[wasm_bindgen]
impl Edge {
    /// Without keys; nothing opens until [`load`](Self::load).
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes room for `len` bytes of input; the address at which to write them.
    pub fn input(&mut self, len: usize) -> *const u8 {
        wipe(&mut self.input);
        self.input.resize(len, 0);
        self.input.as_ptr()
    }

    /// Where the output of the last call is.
    pub fn output(&self) -> *const u8 {
        self.output.as_slice().as_ptr()
    }

    /// Wipes the output.
    pub fn wipe(&mut self) {
        self.output.wipe();
    }

    /// Takes the cookie's name, the first `name_len` bytes of the input, and the edge keys, the text behind it. 0, 1 where the
    /// keys open rows too, or a refusal.
    pub fn load(&mut self, name_len: usize) -> i32 {
        let loaded = self.loaded(name_len);
        wipe(&mut self.input);
        loaded
    }

    #[inline(never)]
    fn loaded(&mut self, name_len: usize) -> i32 {
        let Some((name, text)) = self.input.split_at_checked(name_len) else { return refusal::MALFORMED };
        let Ok(text) = core::str::from_utf8(text) else { return refusal::NOT_AN_EDGE_KEY };
        match EdgeKeys::from_text(text) {
            Ok(keys) => {
                let rows = keys.open_rows();
                self.name = name.to_vec();
                self.keys = Some(keys);
                i32::from(rows)
            }
            Err(KeyError::Empty) => refusal::NO_KEYS,
            Err(KeyError::Duplicate { .. }) => refusal::DUPLICATE_KEY,
            Err(_) => refusal::NOT_AN_EDGE_KEY,
        }
    }

    /// Opens the cookie value that is the input, at `now_ms` (Unix milliseconds). The length of the output, or a refusal.
    ///
    /// With `feed_now_ms` above 0 the feed is asked too: what it names is refused, and what it does not prove is not fresh.
    /// `feed_now_ms` is the present by the feed's own clock, and `feed_max_age_s` for how long the feed proves anything.
    ///
    /// The output: created (Unix ms), issued, idle expiry and deadline (Unix s), lifetime and idle timeout (s), generation, as
    /// doubles; 1 where the cookie is persistent; 1 where the ticket is fresh by `max_age_s`; 1 where it has a subject; the subject;
    /// the claims.
    pub fn open(&mut self, now_ms: f64, max_age_s: f64, feed_now_ms: f64, feed_max_age_s: f64) -> i32 {
        let opened = self.ticket(0..self.input.len(), now_ms).and_then(|ticket| {
            let fresh = ticket.freshness(timestamp(now_ms), whole(max_age_s)) == Freshness::Fresh;
            let standing = match &self.feed {
                _ if feed_now_ms <= 0.0 => Standing::NotEnded,
                Some(feed) => feed.standing(&ticket, timestamp(feed_now_ms), whole(feed_max_age_s)),
                None => Standing::Unproved,
            };
            if standing == Standing::Ended {
                return Err(refusal::ENDED);
            }
            self.write_ticket(&ticket, fresh && standing == Standing::NotEnded);
            Ok(())
        });
        self.finish(opened)
    }

    /// Takes the feed of ended sessions that is the input, in place of an older one. 1, or 0 where it is of the same time as the one
    /// that is there, or a refusal.
    pub fn take_feed(&mut self, now_ms: f64) -> i32 {
        let bytes = core::mem::take(&mut self.input);
        match self.feed_in(bytes) {
            Ok(feed) if feed.as_of().unix_ms() > whole(now_ms).saturating_add(MAX_AHEAD_MS) => refusal::NOT_YET_VALID,
            Ok(feed) => {
                let newer = self.feed.as_ref().map(|old| feed.as_of().cmp(&old.as_of()));
                match newer {
                    Some(Ordering::Less) => refusal::OLDER,
                    Some(Ordering::Equal) => 0,
                    Some(Ordering::Greater) | None => {
                        self.feed = Some(feed);
                        1
                    }
                }
            }
            Err(refusal) => refusal,
        }
    }

    /// When the feed was true, in Unix milliseconds; 0 where there is none.
    pub fn feed_as_of(&self) -> f64 {
        self.feed.as_ref().map_or(0.0, |feed| feed.as_of().unix_ms() as f64)
    }

    /// How many sessions the feed names.
    pub fn feed_len(&self) -> usize {
        self.feed.as_ref().map_or(0, Feed::len)
    }

    fn feed_in(&self, bytes: Vec<u8>) -> Result<Feed, i32> {
        let keys = self.keys.as_ref().ok_or(refusal::NO_KEYS)?;
        let name = core::str::from_utf8(&self.name).map_err(|_| refusal::MALFORMED)?;
        keys.open_feed(name, bytes).map_err(|error| match error {
            OpenError::UnknownKey(_) => refusal::UNKNOWN_KEY,
            OpenError::Forged => refusal::FORGED,
            _ => refusal::MALFORMED,
        })
    }

    /// The id of the row behind the cookie value that is the input: its 16 bytes are the output. A call of its own, because it costs two
    /// hashes and only callers that query the database need it. The length of the output, or a refusal.
    pub fn row_id(&mut self, now_ms: f64) -> i32 {
        let opened = self.ticket(0..self.input.len(), now_ms).map(|ticket| {
            self.output.begin();
            self.output.raw(ticket.row_id().as_bytes());
            self.output.end();
        });
        self.finish(opened)
    }

    /// Opens a row with its cookie. The input: the cookie's value, `value_len` bytes; the row's generation, 8 big-endian bytes; its
    /// data. The length of the output, the row's data, or a refusal.
    pub fn open_row(&mut self, value_len: usize, now_ms: f64) -> i32 {
        let opened = self.row(value_len, now_ms).map(|data| {
            self.output.begin();
            self.output.data(&data);
            self.output.end();
        });
        self.finish(opened)
    }

    #[inline(never)]
    fn ticket(&self, value: core::ops::Range<usize>, now_ms: f64) -> Result<Ticket, i32> {
        let keys = self.keys.as_ref().ok_or(refusal::NO_KEYS)?;
        let name = core::str::from_utf8(&self.name).map_err(|_| refusal::MALFORMED)?;
        let value = self.input.get(value).ok_or(refusal::MALFORMED)?;
        keys.open_ticket(name, value, timestamp(now_ms)).map_err(|error| match error {
            TicketError::UnknownKey(_) => refusal::UNKNOWN_KEY,
            TicketError::Forged => refusal::FORGED,
            TicketError::Expired => refusal::EXPIRED,
            TicketError::NotYetValid => refusal::NOT_YET_VALID,
            _ => refusal::MALFORMED,
        })
    }

    fn row(&self, value_len: usize, now_ms: f64) -> Result<Data, i32> {
        let keys = self.keys.as_ref().ok_or(refusal::NO_KEYS)?;
        let ticket = self.ticket(0..value_len, now_ms)?;
        let row = self.input.get(value_len..).ok_or(refusal::MALFORMED)?;
        let (generation, data) = row.split_first_chunk().ok_or(refusal::MALFORMED)?;
        keys.open_row(&ticket, u64::from_be_bytes(*generation), data.to_vec()).map_err(|error| match error {
            RowError::Envelope(OpenError::NoRowKeys) => refusal::NO_ROW_KEYS,
            RowError::Envelope(OpenError::UnknownKey(_)) => refusal::UNKNOWN_KEY,
            RowError::Envelope(OpenError::Forged) => refusal::FORGED,
            RowError::Behind { .. } => refusal::BEHIND,
            RowError::Stateless => refusal::NO_ROW,
            _ => refusal::MALFORMED,
        })
    }

    fn write_ticket(&mut self, ticket: &Ticket, fresh: bool) {
        let output = &mut self.output;
        output.begin();
        output.double(ticket.created_at().unix_ms() as f64);
        for time in [ticket.issued_at(), ticket.expires_at(), ticket.deadline()] {
            output.double(time.unix_seconds() as f64);
        }
        for number in [ticket.lifetime_s(), ticket.idle_s(), ticket.generation()] {
            output.double(number as f64);
        }
        output.byte(u8::from(ticket.is_persistent()));
        output.byte(u8::from(fresh));
        output.byte(u8::from(ticket.subject().is_some()));
        output.text(ticket.subject().unwrap_or_default());
        output.data(ticket.claims());
        output.end();
    }

    #[inline(never)]
    fn finish(&mut self, opened: Result<(), i32>) -> i32 {
        wipe(&mut self.input);
        match opened {
            // A cookie is at most 4 KiB and a row what the database gave: both far below the bound of an i32.
            Ok(()) => i32::try_from(self.output.as_slice().len()).unwrap_or(refusal::MALFORMED),
            Err(refusal) => refusal,
        }
    }
}

fn whole(number: f64) -> u64 {
    // Saturates, and takes NaN and what is negative for 0.
    number as u64
}

fn timestamp(ms: f64) -> Timestamp {
    Timestamp::from_unix_ms(whole(ms))
}
