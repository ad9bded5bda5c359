//! The recipes that have tests. What stands below the marker of each file stands in `docs/cookbook/`, word for word.

pub mod account;
pub mod csrf;
pub mod flash;
pub mod guards;
pub mod passwords;
pub mod sign_in;
pub mod streams;
pub mod sudo;
pub mod support;
pub mod tokens;

/// Above it, a recipe's file has what its page shows elsewhere.
pub const MARKER: &str = "// --- on the page ---\n";

/// Each recipe with its page.
pub const ON_PAGES: &[(&str, &str)] = &[
    (include_str!("error.rs"), include_str!("../../../docs/cookbook/signing-in.md")),
    (include_str!("user.rs"), include_str!("../../../docs/cookbook/signing-in.md")),
    (include_str!("recipes/passwords.rs"), include_str!("../../../docs/cookbook/signing-in.md")),
    (include_str!("recipes/sign_in/find_user.rs"), include_str!("../../../docs/cookbook/signing-in.md")),
    (include_str!("recipes/sign_in/poem_handler.rs"), include_str!("../../../docs/cookbook/signing-in.md")),
    (include_str!("recipes/sign_in/salvo_handler.rs"), include_str!("../../../docs/cookbook/signing-in.md")),
    (include_str!("recipes/sign_in/axum_handler.rs"), include_str!("../../../docs/cookbook/signing-in.md")),
    (include_str!("recipes/sign_in/migrator.rs"), include_str!("../../../docs/cookbook/signing-in.md")),
    (include_str!("recipes/sign_in/sign_up.rs"), include_str!("../../../docs/cookbook/signing-in.md")),
    (include_str!("recipes/sign_in/remember.rs"), include_str!("../../../docs/cookbook/signing-in.md")),
    (include_str!("recipes/sign_in/sign_in_page.rs"), include_str!("../../../docs/cookbook/signing-in.md")),
    (include_str!("recipes/flash.rs"), include_str!("../../../docs/cookbook/pages.md")),
    (include_str!("recipes/csrf.rs"), include_str!("../../../docs/cookbook/csrf.md")),
    (include_str!("recipes/guards/poem_guard.rs"), include_str!("../../../docs/cookbook/csrf.md")),
    (include_str!("recipes/guards/salvo_guard.rs"), include_str!("../../../docs/cookbook/csrf.md")),
    (include_str!("recipes/guards/axum_guard.rs"), include_str!("../../../docs/cookbook/csrf.md")),
    (include_str!("recipes/tokens.rs"), include_str!("../../../docs/cookbook/csrf.md")),
    (include_str!("recipes/account.rs"), include_str!("../../../docs/cookbook/account.md")),
    (include_str!("recipes/sudo.rs"), include_str!("../../../docs/cookbook/account.md")),
    (include_str!("recipes/support.rs"), include_str!("../../../docs/cookbook/account.md")),
    (include_str!("recipes/streams/poem_events.rs"), include_str!("../../../docs/cookbook/streams.md")),
    (include_str!("recipes/streams/salvo_events.rs"), include_str!("../../../docs/cookbook/streams.md")),
    (include_str!("recipes/streams/axum_events.rs"), include_str!("../../../docs/cookbook/streams.md")),
    (include_str!("recipes/streams/poem_chat.rs"), include_str!("../../../docs/cookbook/streams.md")),
    (include_str!("recipes/streams/salvo_chat.rs"), include_str!("../../../docs/cookbook/streams.md")),
    (include_str!("recipes/streams/axum_chat.rs"), include_str!("../../../docs/cookbook/streams.md")),
];
