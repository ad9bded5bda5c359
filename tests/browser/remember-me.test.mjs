// "Remember me" in Chromium: two browsers, one with the box ticked, closed and started again while days go by on the server's clock.
//
// The browsers' own clock cannot be moved. So that the cookie lasts is shown by its Max-Age and by the restarts, that the session
// does by the application's clock. JavaScript is off: the page needs none.

import assert from "node:assert/strict";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { start } from "./application.mjs";
import { launchWithProfile } from "./chromium.mjs";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const applications = ["poem", "salvo", "axum"];
let folder;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "waxseal-remember-"));
});

after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

/** The application's clock, which is this many seconds ahead of the operating system's. */
async function testClock(file) {
  const setAhead = async (seconds) => {
    await writeFile(`${file}.new`, String(seconds));
    await rename(`${file}.new`, file);
  };
  await setAhead(0);
  return { file, setAhead };
}

/** Somebody's browser: one profile, closed and started again. */
async function person(profile, url) {
  const open = async () => {
    const context = await launchWithProfile(profile, { javaScriptEnabled: false });
    return { context, page: context.pages()[0] ?? (await context.newPage()) };
  };
  let { context, page } = await open();
  return {
    /** Signs in by the form; the attributes of the cookie. */
    async signIn({ remember }) {
      await page.goto(url);
      await page.fill("input[name=user]", "ada");
      if (remember) await page.getByLabel("Remember me on this device for 30 days").check();
      const [response] = await Promise.all([
        page.waitForResponse((response) => response.url() === `${url}/sign-in`),
        page.getByRole("button", { name: "Sign in" }).click(),
      ]);
      await page.waitForURL(`${url}/`);
      return response.headerValue("set-cookie");
    },
    /** When the browser drops the session cookie, in seconds from now. */
    async cookieLasts() {
      const cookie = (await context.cookies(url)).find(({ name }) => name === "session");
      return cookie.expires - Date.now() / 1000;
    },
    async isSignedIn() {
      await page.goto(url);
      const signedIn = await page.getByText("Signed in as").isVisible();
      assert.equal(await page.getByLabel("Your name").isVisible(), !signedIn);
      return signedIn;
    },
    text: () => page.locator("main").innerText(),
    close: () => context.close(),
    async restart() {
      await context.close();
      ({ context, page } = await open());
    },
  };
}

for (const framework of applications) {
  test(`${framework}: who ticked the box is signed in after a restart of the browser and 20 days; who did not is not`, async (t) => {
    const home = await mkdtemp(join(folder, `${framework}-`));
    const clock = await testClock(join(home, "clock"));
    const settings = { DATABASE_URL: `sqlite://${home}/sessions.sqlite?mode=rwc`, WAXSEAL_EXAMPLE_CLOCK: clock.file };
    const app = await start(framework, settings, home);
    t.after(app.stop);
    const own = await person(join(home, "own"), app.url);
    t.after(own.close);
    const borrowed = await person(join(home, "borrowed"), app.url);
    t.after(borrowed.close);

    assert.match(await own.signIn({ remember: true }), /; Max-Age=2592000$/);
    assert.match(await borrowed.signIn({ remember: false }), /; Max-Age=28800$/);
    assert.ok(Math.abs((await own.cookieLasts()) - 30 * DAY) < MINUTE);
    assert.ok(Math.abs((await borrowed.cookieLasts()) - 8 * HOUR) < MINUTE);
    const devices = await borrowed.text();
    assert.match(devices, /Ends in 30 days, used or not/);
    assert.match(devices, /Ends in 30 minutes if not used, in 8 hours at the latest/);

    // Closed and opened at once: the cookies are kept, both.
    await own.restart();
    await borrowed.restart();
    assert.deepEqual([await own.isSignedIn(), await borrowed.isSignedIn()], [true, true]);

    // Closed, and opened after the idle timeout.
    await clock.setAhead(31 * MINUTE);
    await own.restart();
    await borrowed.restart();
    assert.deepEqual([await own.isSignedIn(), await borrowed.isSignedIn()], [true, false]);

    await clock.setAhead(20 * DAY);
    await own.restart();
    await borrowed.restart();
    assert.deepEqual([await own.isSignedIn(), await borrowed.isSignedIn()], [true, false]);
    assert.match(await own.text(), /Ends in 10 days, used or not/);

    await clock.setAhead(30 * DAY + MINUTE);
    assert.equal(await own.isSignedIn(), false);
  });
}
