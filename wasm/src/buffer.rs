//! How a buffer that lives from call to call is wiped.

use alloc::vec::Vec;

use zeroize::Zeroize;

/// The largest buffer that is kept for the next call. A cookie and what is in it need a tenth, most rows no more than this.
const MAX_KEPT: usize = 64 * 1024;

/// Empties a buffer and wipes what was in it: that costs by what the call used, not by what an earlier one did. A large buffer goes
/// back to the allocator. What was moved out of a buffer as it grew, the allocator has wiped too.
#[inline(never)]
pub(crate) fn wipe(buffer: &mut Vec<u8>) {
    if buffer.capacity() > MAX_KEPT {
        // The allocator wipes what is freed.
        *buffer = Vec::new();
    } else {
        buffer.as_mut_slice().zeroize();
        buffer.clear();
    }
}
