//! The page: server-rendered, works without JavaScript, and on a phone.

use std::time::Duration;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use waxseal_http::{SessionInfo, Times, Timestamp};

use crate::spans::{ago, exact, rounded};

/// What the page shows of a signed-in session.
pub(crate) struct View {
    pub(crate) user: String,
    pub(crate) visits: u64,
    pub(crate) list: Vec<String>,
    pub(crate) times: Times,
    pub(crate) devices: Vec<SessionInfo>,
}

pub(crate) fn signed_in(view: &View, now: Timestamp, flash: Option<&str>) -> Markup {
    layout(
        "Your session",
        flash,
        html! {
            header.bar {
                div {
                    p.eyebrow { "Signed in as" }
                    h1 { (view.user) }
                }
                (button("/sign-out", "Sign out", "quiet"))
            }
            section.grid {
                div.card.stat {
                    p.eyebrow { "Visits in this session" }
                    p.number { (view.visits) }
                    (button("/visits", "Count a visit", ""))
                }
                div.card.stat {
                    p.eyebrow { "Time left" }
                    (time_left("Idle", "ends if unused", view.times.expires_at, view.times.last_seen_at, now))
                    (time_left("Absolute", "at the latest", view.times.deadline, view.times.created_at, now))
                    a.refresh href="/" { "Refresh" }
                }
            }
            section.card {
                h2 { "Shopping list" }
                @if view.list.is_empty() {
                    p.muted { "Nothing on it yet. It is kept, encrypted, in your session." }
                } @else {
                    ul.list {
                        @for (index, item) in view.list.iter().enumerate() {
                            li {
                                span { (item) }
                                form method="post" action="/list/remove" {
                                    input type="hidden" name="item" value=(item);
                                    input type="hidden" name="index" value=(index);
                                    button.quiet.small aria-label={ "Remove " (item) } { "Remove" }
                                }
                            }
                        }
                    }
                }
                form.row method="post" action="/list" {
                    input name="item" placeholder="Bread" aria-label="New item" maxlength="80" required;
                    button { "Add" }
                }
            }
            section.card {
                div.bar {
                    h2 { "Your devices" }
                    @if view.devices.len() > 1 {
                        (button("/devices/others/sign-out", "Sign out everywhere else", "quiet small"))
                    }
                }
                ul.list.devices {
                    @for device in &view.devices {
                        li {
                            div {
                                strong { (device.label.as_deref().unwrap_or("Unknown device")) }
                                @if device.is_current { span.badge { "This device" } }
                                p.muted {
                                    "Last seen " (ago(now.seconds_since(device.times.last_seen_at)))
                                    " · signed in " (ago(now.seconds_since(device.times.created_at)))
                                }
                                p.muted { (lasts(&device.times, now)) }
                            }
                            @if !device.is_current {
                                (button(&format!("/devices/{}/sign-out", device.id), "Sign out", "quiet small"))
                            }
                        }
                    }
                }
            }
        },
    )
}

/// The form that signs in. `remember` is how long the box keeps somebody signed in.
pub(crate) fn signed_out(remember: Duration, flash: Option<&str>) -> Markup {
    layout(
        "Sign in",
        flash,
        html! {
            section.card.welcome {
                h1 { "Welcome" }
                p.muted { "Sign in with any name. What you do here is kept in an encrypted session in the database; your browser holds its only key." }
                form method="post" action="/sign-in" {
                    label for="user" { "Your name" }
                    input #user name="user" autocomplete="username" maxlength="64" required autofocus;
                    label.check {
                        input type="checkbox" name="remember" value="1";
                        span { "Remember me on this device for " (rounded(remember.as_secs())) }
                    }
                    button.wide { "Sign in" }
                }
            }
        },
    )
}

fn layout(title: &str, flash: Option<&str>, content: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · waxseal" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    p.brand { span.seal aria-hidden="true" {} "waxseal" }
                    @if let Some(flash) = flash {
                        p.flash role="status" { (flash) }
                    }
                    (content)
                    footer.muted { "An example of encrypted, database-backed sessions, by waxseal." }
                }
            }
        }
    }
}

fn button(action: &str, label: &str, class: &str) -> Markup {
    html! {
        form method="post" action=(action) { button class=(class) { (label) } }
    }
}

fn time_left(name: &str, note: &str, end: Timestamp, start: Timestamp, now: Timestamp) -> Markup {
    let left = end.seconds_since(now);
    html! {
        div.time {
            span { strong { (name) } " " span.muted { (note) } }
            span.left { (exact(left)) }
            progress max=(end.seconds_since(start).max(1)) value=(left) aria-label={ (name) " time left" } {}
        }
    }
}

/// How long a device stays signed in.
fn lasts(times: &Times, now: Timestamp) -> String {
    let (unused, latest) = (times.expires_at.seconds_since(now), times.deadline.seconds_since(now));
    if unused == latest {
        format!("Ends in {}, used or not", rounded(latest))
    } else {
        format!("Ends in {} if not used, in {} at the latest", rounded(unused), rounded(latest))
    }
}

const STYLE: &str = "
:root { color-scheme: light dark; --bg: #f6f3ee; --card: #fff; --ink: #221c17; --muted: #70665c; --line: #e6dfd5; --wax: #a3262a; --wax-ink: #fff; --tint: #f7e9e6 }
@media (prefers-color-scheme: dark) { :root { --bg: #171412; --card: #221e1b; --ink: #f2ede7; --muted: #a89c90; --line: #3a332d; --wax: #d9534f; --wax-ink: #1b0d0c; --tint: #35211f } }
* { box-sizing: border-box }
body { margin: 0; background: var(--bg); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif }
main { max-width: 44rem; margin: 0 auto; padding: 1.5rem 1rem 3rem }
h1, h2, p { margin: 0 } h1 { font-size: 1.75rem; line-height: 1.2; overflow-wrap: anywhere } h2 { font-size: 1.1rem }
.brand { display: flex; align-items: center; gap: .5rem; font-weight: 700; letter-spacing: .02em; margin-bottom: 1.25rem }
.seal { width: 1.25rem; height: 1.25rem; border-radius: 50%; background: radial-gradient(circle at 35% 30%, #e2686a, var(--wax) 55%, #6f1417); box-shadow: 0 1px 2px #0004 }
.bar { display: flex; justify-content: space-between; align-items: center; gap: 1rem; flex-wrap: wrap; margin-bottom: 1rem }
.grid { display: grid; column-gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)) }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .9rem; padding: 1.25rem; margin-bottom: 1rem; box-shadow: 0 1px 2px #0000000a }
.stat { display: flex; flex-direction: column; align-items: flex-start; gap: .6rem }
.number { font-size: 3rem; font-weight: 700; line-height: 1; font-variant-numeric: tabular-nums }
.eyebrow { font-size: .78rem; text-transform: uppercase; letter-spacing: .07em; color: var(--muted) }
.muted { color: var(--muted); font-size: .9rem } footer { text-align: center; margin-top: 1.5rem }
.time { width: 100%; display: grid; grid-template-columns: 1fr auto; gap: .1rem .75rem; align-items: baseline } .left { font-variant-numeric: tabular-nums; font-weight: 600 }
progress { grid-column: 1 / -1; width: 100%; height: .4rem; appearance: none; border: 0; border-radius: 1rem; overflow: hidden; background: var(--line) }
progress::-webkit-progress-bar { background: var(--line) } progress::-webkit-progress-value { background: var(--wax) } progress::-moz-progress-bar { background: var(--wax) }
.refresh { color: var(--wax); font-size: .9rem }
.list { list-style: none; margin: .75rem 0 0; padding: 0 } .list + .row, h2 + .muted { margin-top: .75rem } .muted + .row { margin-top: .75rem } .list li { display: flex; justify-content: space-between; align-items: center; gap: 1rem; padding: .6rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere }
.devices li { flex-wrap: wrap; gap: .5rem 1rem } .devices li > div { flex: 1 1 17rem }
.badge { margin-left: .5rem; padding: .1rem .5rem; border-radius: 1rem; background: var(--tint); color: var(--wax); font-size: .75rem; white-space: nowrap }
.row { display: flex; gap: .5rem } .row input { flex: 1 }
.flash { background: var(--tint); border-left: 4px solid var(--wax); padding: .7rem 1rem; border-radius: .4rem; margin-bottom: 1rem }
.welcome { max-width: 26rem; margin: 2rem auto; display: grid; gap: .75rem } .welcome form { display: grid; gap: .5rem; margin-top: .5rem } label { font-weight: 600 }
input { font: inherit; color: inherit; background: var(--bg); border: 1px solid var(--line); border-radius: .5rem; padding: .55rem .75rem; min-width: 0; width: 100% }
.check { display: flex; align-items: center; gap: .6rem; min-height: 2.6rem; font-weight: 400 } .check input { flex: none; width: 1.15rem; height: 1.15rem; margin: 0; accent-color: var(--wax) }
button { font: inherit; font-weight: 600; min-height: 2.6rem; color: var(--wax-ink); background: var(--wax); border: 1px solid transparent; border-radius: .5rem; padding: .45rem 1rem; cursor: pointer; white-space: nowrap }
button.quiet { background: transparent; color: var(--ink); border-color: var(--line) } button.small { font-size: .85rem; min-height: 2.2rem; padding: .25rem .7rem } button.wide { margin-top: .5rem }
:is(button, input, a):focus-visible { outline: 3px solid var(--wax); outline-offset: 2px }
";
