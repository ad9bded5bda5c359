//! The doctor: looks for problems and says how to fix them. Each finding has a name, so that a program can tell them apart.

mod cookie;
mod keys;
mod server;
mod table;

use serde_json::json;

use crate::{
    arguments::Settings,
    failure::Failure,
    report::{self, Report},
};

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Ok,
    /// It works, but not as well as it could, or it may fail in an emergency.
    Warning,
    Broken,
}

/// What was checked, and the result.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    name: &'static str,
    level: Level,
    text: String,
}

pub(super) fn ok(name: &'static str, text: impl Into<String>) -> Finding {
    Finding { name, level: Level::Ok, text: text.into() }
}

pub(super) fn warning(name: &'static str, text: impl Into<String>) -> Finding {
    Finding { name, level: Level::Warning, text: text.into() }
}

pub(super) fn broken(name: &'static str, text: impl Into<String>) -> Finding {
    Finding { name, level: Level::Broken, text: text.into() }
}

pub(crate) async fn examine(settings: &Settings, url: Option<&str>, idle_timeout_s: u64) -> Result<Report, Failure> {
    let mut findings = keys::examine(settings);
    if settings.has_database()? {
        match settings.store().await {
            Err(error) => findings.push(broken("database", format!("it cannot be reached: {error}"))),
            Ok(store) => {
                findings.push(ok("database", "it answers"));
                findings.extend(server::examine(&store).await);
                findings.extend(table::examine(settings, &store, idle_timeout_s).await);
            }
        }
    } else {
        findings.push(warning("database", "not looked at: set DATABASE_URL or --database-url-file"));
    }
    if let Some(url) = url {
        findings.extend(cookie::examine(url, &settings.cookie));
    }
    Ok(report(&findings))
}

fn report(findings: &[Finding]) -> Report {
    let word = |level| match level {
        Level::Ok => "ok",
        Level::Warning => "warning",
        Level::Broken => "BROKEN",
    };
    let rows: Vec<Vec<String>> = findings
        .iter()
        .map(|finding| vec![word(finding.level).into(), finding.name.into(), finding.text.clone()])
        .collect();
    let json: Vec<_> = findings
        .iter()
        .map(|finding| json!({ "check": finding.name, "result": word(finding.level).to_lowercase(), "text": finding.text }))
        .collect();
    let is_broken = findings.iter().any(|finding| finding.level == Level::Broken);
    Report::new(report::table(&["result", "check", ""], &rows), json!(json)).failed_if(is_broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_broken_fails_the_command_and_a_warning_does_not() {
        let report = |findings: &[Finding]| format!("{:?}", super::report(findings));
        assert!(report(&[ok("a", "fine"), warning("b", "hm")]).contains("failed: false"));
        assert!(report(&[broken("c", "no")]).contains("failed: true"));
    }
}
