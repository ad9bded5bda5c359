//! Hostile terms and tokens, times, rotation and rows.
