//! The arguments. Keys and database URLs are never arguments, because everybody who may run `ps` would see them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Keys, migration, sweeping, a user's sessions, and a doctor for waxseal.
///
/// The database URL comes from the environment variable DATABASE_URL, or from the file that --database-url-file names. The keys
/// come from WAXSEAL_KEYS, or from the file that --keys-file names.
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
    /// A file that holds the keys, one per line, the primary first, instead of WAXSEAL_KEYS.
    #[arg(long, global = true, env = "WAXSEAL_KEYS_FILE", value_name = "FILE")]
    pub(crate) keys_file: Option<PathBuf>,
    /// The session table, with its schema if it has one.
    #[arg(long, global = true, env = "WAXSEAL_TABLE", default_value = "waxseal_sessions", value_name = "NAME")]
    pub(crate) table: String,
    /// The name of the session cookie.
    #[arg(long, global = true, env = "WAXSEAL_COOKIE", default_value = "__Host-session", value_name = "NAME")]
    pub(crate) cookie: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print a new key in the format of WAXSEAL_KEYS.
    Keygen,
    /// Manage a file of keys.
    #[command(subcommand)]
    Keys(Keys),
    /// Print the keys that a worker at the edge needs, and no others.
    EdgeKeys {
        /// For cookies only, or for rows too.
        scope: Scope,
    },
    /// Make the session table if it is missing.
    Migrate {
        /// On PostgreSQL, also make the triggers for the notices of changed rows.
        #[arg(long)]
        notices: bool,
    },
    /// Delete expired sessions, in small batches.
    Sweep {
        /// The maximum number of rows that one statement deletes.
        #[arg(long, default_value_t = 500)]
        batch: u32,
        /// How long to pause between two batches, in milliseconds.
        #[arg(long, default_value_t = 20)]
        pause_ms: u64,
    },
    /// List a user's sessions.
    List {
        /// The user's id, as the application signs in with it.
        subject: String,
    },
    /// End sessions: one by its id, all of one user, or all.
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
        /// Also print the values of claims and data.
        #[arg(long)]
        show_values: bool,
    },
    /// Look for problems.
    Doctor {
        /// An address that sets the session cookie, for example the page that follows a sign-in form.
        #[arg(long)]
        url: Option<String>,
        /// The application's idle timeout, in seconds. It determines how late the sweeper may be.
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
        /// Drop the old keys even if live sessions may need them: their users are signed out.
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
