//! The arguments. Keys and database URLs are none of them: whoever may run `ps` would see them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Keys, migration, sweeping, a user's sessions, and a doctor for waxseal.
///
/// The database is the one of the environment variable DATABASE_URL, or of the file that --database-url-file names. Keys are those of
/// WAXSEAL_KEYS, or of the file that --keys-file names.
#[derive(Debug, Parser)]
#[command(name = "waxseal", version, about, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) settings: Settings,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// Print JSON for other programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// A file that holds the database URL, instead of DATABASE_URL.
    #[arg(long, global = true, env = "WAXSEAL_DATABASE_URL_FILE", value_name = "FILE")]
    pub(crate) database_url_file: Option<PathBuf>,
    /// A file that holds the keys, one a line, the primary first, instead of WAXSEAL_KEYS.
    #[arg(long, global = true, env = "WAXSEAL_KEYS_FILE", value_name = "FILE")]
    pub(crate) keys_file: Option<PathBuf>,
    /// The session table, with its schema where it has one.
    #[arg(long, global = true, env = "WAXSEAL_TABLE", default_value = "waxseal_sessions", value_name = "NAME")]
    pub(crate) table: String,
    /// The name of the session cookie.
    #[arg(long, global = true, env = "WAXSEAL_COOKIE", default_value = "__Host-session", value_name = "NAME")]
    pub(crate) cookie: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print a new key, as WAXSEAL_KEYS takes it.
    Keygen,
    /// Manage a file of keys.
    #[command(subcommand)]
    Keys(Keys),
    /// Print the keys that a worker at the edge needs, and no more.
    EdgeKeys {
        /// For cookies alone, or for rows too.
        scope: Scope,
    },
    /// Make the session table where it is missing.
    Migrate {
        /// On PostgreSQL, also make the trigger for the notices of changed rows.
        #[arg(long)]
        notices: bool,
    },
    /// Delete expired sessions, in small batches.
    Sweep {
        /// How many rows one statement deletes at most.
        #[arg(long, default_value_t = 500)]
        batch: u32,
        /// How long to let others have the database between two batches, in milliseconds.
        #[arg(long, default_value_t = 20)]
        pause_ms: u64,
    },
    /// List the sessions of a user.
    List {
        /// The user's id, as the application signs in with it.
        subject: String,
    },
    /// End sessions: of a user, one by its id, or all.
    End {
        /// A user's id, or the id of a session.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        whose: Option<String>,
        /// End all sessions of all users.
        #[arg(long)]
        all: bool,
    },
    /// Count sessions: live, by age, ended, their bytes and the keys in use.
    Stats,
    /// Explain a cookie that is read from standard input.
    Inspect {
        /// Print the values of claims and data too.
        #[arg(long)]
        show_values: bool,
    },
    /// Look for what is broken.
    Doctor {
        /// An address that sets the session cookie, for example the page that follows a sign-in form.
        #[arg(long)]
        url: Option<String>,
        /// The idle timeout that the application is configured with, in seconds: how late the sweeper may be.
        #[arg(long, default_value_t = 1800)]
        idle_timeout_s: u64,
    },
    /// Print completions for a shell.
    Completions {
        /// Which shell.
        shell: Shell,
    },
    /// Print the man page.
    Man,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Take the next of the three steps of a rotation: add a key, make it the primary, drop the old ones.
    ///
    /// Give the file to every node after each step before you take the next one.
    Rotate {
        /// The file of keys. It is replaced in one step and readable by its owner alone.
        file: PathBuf,
        /// Drop the old keys although sessions that need them may be live: their users are signed out.
        #[arg(long)]
        now: bool,
        /// The longest lifetime of a session, in seconds: old keys are dropped no earlier.
        #[arg(long, default_value_t = 30 * 24 * 3600)]
        lifetime_s: u64,
    },
    /// List the ids of the keys, the primary first.
    List,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scope {
    Cookies,
    Rows,
}
