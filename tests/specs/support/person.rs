//! A person at a window of Chromium. Things are found by their words, as people find them; whatever isn't there yet is
//! waited for. Whoever leaves with complaints on the console fails the spec.

use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

use actix_web::rt;
use latchkey::users::User;
use serde_json::{Value, json};
use thirtyfour::{Key, WebElement, WindowHandle};

use super::{PASSWORD, TestApp, chromium::Chromium};

/// How long anything may take to appear.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often it is looked for.
const GLANCE: Duration = Duration::from_millis(25);

pub struct Person {
    chromium: Chromium,
    home: String,
    /// What was done so far, to be told when something is missing.
    trail: RefCell<Vec<String>>,
}

impl TestApp {
    /// Somebody at a window of Chromium.
    pub async fn in_chromium(&self) -> Person {
        Person::at(self, true).await
    }

    /// Somebody who has switched JavaScript off.
    pub async fn in_chromium_without_scripts(&self) -> Person {
        Person::at(self, false).await
    }

    /// Somebody at a window of Chromium, signed in through the form, looking at that page.
    pub async fn walk_in(&self, user: &User, path: &str) -> Person {
        let person = self.in_chromium().await;
        person.sign_in(user).await;
        person.open(path).await;
        person
    }
}

impl Person {
    async fn at(app: &TestApp, scripts: bool) -> Self {
        let chromium = Chromium::start(scripts).await;
        let person = Self { chromium, home: app.url(""), trail: RefCell::default() };
        let granted = json!({
            "origin": person.home,
            "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"],
        });
        person.devtools("Browser.grantPermissions", granted).await;
        person
    }

    /// Types an address of ours.
    pub async fn open(&self, path: &str) {
        self.note(format!("opens {path}"));
        let url = format!("{}{path}", self.home);
        self.chromium.driver.goto(url).await.unwrap_or_else(|error| self.give_up(&error));
    }

    pub async fn sign_in(&self, user: &User) {
        self.open("/sign-in?next=%2Faccount").await;
        self.fill("E-mail", &user.email).await;
        self.fill("Password", PASSWORD).await;
        self.click("Sign in").await;
        self.is_at("/account").await;
    }

    /// Presses a button, follows a link, opens a menu or chooses from it.
    pub async fn click(&self, name: &str) {
        self.note(format!("clicks “{name}”"));
        self.act_on("control", name, async |found| found.click().await).await;
    }

    /// Chooses from the navigation at the left.
    pub async fn goes_to(&self, entry: &str) {
        self.note(format!("goes to “{entry}”"));
        self.act_on("entry", entry, async |found| found.click().await).await;
    }

    /// The navigation has no such entry.
    pub async fn has_no_entry(&self, entry: &str) {
        let gone = async || self.find_all("entry", entry).await.filter(Vec::is_empty);
        self.wait_for(&format!("a navigation without “{entry}”"), gone).await;
    }

    /// Presses the button that makes the key; its words are the platform's.
    pub async fn press_the_last_button(&self) {
        let words = "return document.querySelector('.button[value=create]')?.textContent.trim()";
        let words = async || self.run(words).await.as_str().map(ToOwned::to_owned);
        let words = self.wait_for("the button that creates", words).await;
        self.click(&words).await;
    }

    /// Opens the menu at the right of a row and chooses from it.
    pub async fn choose_from_menu_of(&self, name: &str, item: &str) {
        self.click(&format!("Actions for {name}")).await;
        self.click(item).await;
    }

    /// Types into the field with that label, in place of what is there.
    pub async fn fill(&self, label: &str, text: &str) {
        self.note(format!("fills “{label}” with “{text}”"));
        self.act_on("field", label, async |field| {
            let select = "arguments[0].focus(); arguments[0].select?.()";
            self.chromium.driver.execute(select, vec![field.to_json()?]).await?;
            let typed = if text.is_empty() { Key::Backspace.into() } else { text.into() };
            let typed: thirtyfour::TypingData = typed;
            field.send_keys(typed).await
        })
        .await;
    }

    /// Picks a day in a date field, given as year-month-day.
    pub async fn pick_day(&self, label: &str, day: &str) {
        self.note(format!("picks {day} as “{label}”"));
        self.act_on("field", label, async |field| {
            let pick = "const [field, day] = arguments; field.value = day;
                for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind, { bubbles: true }))";
            self.chromium.driver.execute(pick, vec![field.to_json()?, json!(day)]).await.map(drop)
        })
        .await;
    }

    /// Takes one of several: a circle, or an entry of a list that opens.
    pub async fn choose(&self, name: &str) {
        self.toggle(name).await;
    }

    /// Chooses from the list with that label.
    pub async fn choose_from(&self, label: &str, option: &str) {
        self.note(format!("chooses “{option}” from “{label}”"));
        self.act_on("field", label, async |field| {
            let find = "return [...arguments[0].options].find((option) => option.textContent.trim() === arguments[1])";
            let found = self.chromium.driver.execute(find, vec![field.to_json()?, json!(option)]).await?;
            found.element()?.click().await
        })
        .await;
    }

    /// Switches something on or off: a permission, a section, a box.
    pub async fn toggle(&self, name: &str) {
        self.note(format!("toggles “{name}”"));
        self.act_on("choice", name, async |title| title.click().await).await;
    }

    /// Copies a value with the button beside it, and is told so.
    pub async fn copy(&self, label: &str) {
        self.note(format!("copies “{label}”"));
        if let Some(tab) = self.find("tab", label).await {
            let _ = tab.click().await;
        }
        self.act_on("copy", label, async |button| button.click().await).await;
        let said = async || {
            let button = self.find("copy", label).await?;
            (button.text().await.ok()?.trim() == "Copied").then_some(())
        };
        self.wait_for(&format!("“Copied” beside “{label}”"), said).await;
    }

    /// Reads a value that has a copy button.
    pub async fn reads(&self, label: &str) -> String {
        let read = async || {
            self.find("value", label).await?.text().await.ok().filter(|text| !text.is_empty())
        };
        self.wait_for(&format!("a value called “{label}”"), read).await
    }

    /// What the row says, from left to right.
    pub async fn row(&self, name: &str) -> String {
        let read = async || Some(tidy(&self.find("row", name).await?.text().await.ok()?));
        self.wait_for(&format!("a row of “{name}”"), read).await
    }

    /// The row comes to say this.
    pub async fn row_says(&self, name: &str, words: &str) {
        let says = async || {
            let row = self.find("row", name).await?.text().await.ok()?;
            tidy(&row).contains(words).then_some(())
        };
        self.wait_for(&format!("“{words}” in the row of “{name}”"), says).await;
    }

    /// No row is called this.
    pub async fn has_no_row(&self, name: &str) -> bool {
        self.find_all("row", name).await.is_some_and(|rows| rows.is_empty())
    }

    /// How the place around a box looks: its ground and its border.
    pub async fn look_of(&self, name: &str) -> String {
        let read = async || {
            let look = "const style = getComputedStyle(arguments[0].closest('label'));
                return [style.backgroundColor, style.borderColor, style.boxShadow].join(' ')";
            let found = self.find("box", name).await?.to_json().ok()?;
            self.chromium.driver.execute(look, vec![found]).await.ok()?.convert().ok()
        };
        self.wait_for(&format!("a box called “{name}”"), read).await
    }

    /// How a box stands: `on`, `off`, or `partly`.
    pub async fn state_of(&self, name: &str) -> String {
        let read = async || {
            let state = "const [box] = arguments; return box.indeterminate ? 'partly' : box.checked ? 'on' : 'off'";
            let found = self.find("box", name).await?.to_json().ok()?;
            self.chromium.driver.execute(state, vec![found]).await.ok()?.convert().ok()
        };
        self.wait_for(&format!("a box called “{name}”"), read).await
    }

    /// What stands in a field.
    pub async fn value_of(&self, label: &str) -> String {
        let read = async || self.find("field", label).await?.value().await.ok().flatten();
        self.wait_for(&format!("a field called “{label}”"), read).await
    }

    /// Sooner or later, this can be read somewhere.
    pub async fn sees(&self, words: &str) {
        let sees = async || self.text().await.contains(words).then_some(());
        self.wait_for(&format!("“{words}”"), sees).await;
    }

    /// Sooner or later, it can't be read any more.
    pub async fn does_not_see(&self, words: &str) {
        let sees = async || (!self.text().await.contains(words)).then_some(());
        self.wait_for(&format!("“{words}” to go"), sees).await;
    }

    /// Nothing here can be clicked that is called this.
    pub async fn cannot_click(&self, name: &str) {
        let gone = async || self.find_all("control", name).await.filter(Vec::is_empty);
        self.wait_for(&format!("no “{name}” to click"), gone).await;
    }

    /// Sooner or later, the page itself answers this.
    pub async fn waits_until(&self, script: &str, answer: Value) {
        let answers = async || (self.run(script).await == answer).then_some(());
        self.wait_for(&format!("{script} to be {answer}"), answers).await;
    }

    /// Looks at a page with this heading.
    pub async fn is_on(&self, heading: &str) {
        let script = "return document.readyState === 'complete' ? document.querySelector('h1')?.textContent : null";
        let on = async || (tidy(self.run(script).await.as_str()?) == heading).then_some(());
        self.wait_for(&format!("a page called “{heading}”"), on).await;
    }

    /// Is at an address of ours.
    pub async fn is_at(&self, address: &str) {
        let at = async || {
            let complete = self.run("return document.readyState === 'complete'").await == true;
            (complete && self.address().await == address).then_some(())
        };
        self.wait_for(&format!("to be at {address}"), at).await;
    }

    /// Path and query of the page.
    pub async fn address(&self) -> String {
        self.run("return location.pathname + location.search")
            .await
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Presses a key, wherever the focus is.
    pub async fn press(&self, key: impl Into<thirtyfour::TypingData>) {
        let key: thirtyfour::TypingData = key.into();
        self.note(format!("presses {key:?}"));
        let pressed = self.chromium.driver.action_chain().send_keys(key).perform().await;
        pressed.unwrap_or_else(|error| self.give_up(&error));
    }

    /// Presses a key while Shift is held.
    pub async fn press_with_shift(&self, key: &str) {
        self.note(format!("presses Shift and “{key}”"));
        let keys = self.chromium.driver.action_chain().key_down(Key::Shift);
        let pressed = keys.send_keys(key).key_up(Key::Shift).perform().await;
        pressed.unwrap_or_else(|error| self.give_up(&error));
    }

    /// Presses a key until the focus is on what is called this.
    pub async fn press_until(&self, key: Key, name: &str) {
        self.note(format!("presses {key:?} until “{name}”"));
        for _ in 0..80 {
            if self.find("focused", name).await.is_some() {
                return;
            }
            let pressed =
                self.chromium.driver.action_chain().send_keys(key.clone()).perform().await;
            pressed.unwrap_or_else(|error| self.give_up(&error));
        }
        self.give_up(&format!("the focus never came to “{name}”"))
    }

    /// So many dialogs stand over the page.
    pub async fn has_dialogs(&self, count: u64) {
        let script = "return [document.querySelectorAll('dialog:modal').length, document.querySelectorAll('dialog').length]";
        let are_there =
            async || (self.run(script).await == serde_json::json!([count, count])).then_some(());
        self.wait_for(&format!("{count} dialogs"), are_there).await;
    }

    /// The focus comes to what is called this.
    pub async fn is_focused_on(&self, name: &str) {
        self.wait_for(&format!("the focus on “{name}”"), async || {
            self.find("focused", name).await
        })
        .await;
    }

    pub async fn double_click(&self, name: &str) {
        self.note(format!("double-clicks “{name}”"));
        self.act_on("control", name, async |found| {
            self.chromium.driver.action_chain().double_click_element(found).perform().await
        })
        .await;
    }

    pub async fn clipboard(&self) -> String {
        let read = "const done = arguments[0]; navigator.clipboard.readText().then(done, (error) => done(String(error)))";
        let read = self.chromium.driver.execute_async(read, vec![]).await;
        read.and_then(|text| text.convert()).unwrap_or_else(|error| self.give_up(&error))
    }

    pub async fn reload(&self) {
        self.note("reloads".into());
        self.chromium.driver.refresh().await.unwrap_or_else(|error| self.give_up(&error));
    }

    pub async fn back(&self) {
        self.note("goes back".into());
        self.chromium.driver.back().await.unwrap_or_else(|error| self.give_up(&error));
    }

    pub async fn forward(&self) {
        self.note("goes forward".into());
        self.chromium.driver.forward().await.unwrap_or_else(|error| self.give_up(&error));
    }

    /// Opens another tab and looks at it; the answer leads back.
    pub async fn open_tab(&self, path: &str) -> WindowHandle {
        let driver = &self.chromium.driver;
        let here = driver.window().await.unwrap_or_else(|error| self.give_up(&error));
        let tab = driver.new_tab().await.unwrap_or_else(|error| self.give_up(&error));
        self.switch_to(&tab).await;
        self.open(path).await;
        here
    }

    pub async fn switch_to(&self, tab: &WindowHandle) {
        self.note("looks at another tab".into());
        let switched = self.chromium.driver.switch_to_window(tab.clone()).await;
        switched.unwrap_or_else(|error| self.give_up(&error));
    }

    /// Makes the window as wide and high as this, to the pixel.
    pub async fn hold(&self, width: u32, height: u32) {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// This is nowhere: not in the page, not in its address, not in what the browser keeps for it.
    pub async fn finds_nowhere(&self, secret: &str) {
        let everything = "const kept = (of) => { try { return JSON.stringify(Object.entries(of())) } catch { return '' } };
            return [document.documentElement.outerHTML, location.href, document.referrer,
            kept(() => localStorage), kept(() => sessionStorage), kept(() => history.state ?? {}), ...[...document.querySelectorAll('input, textarea')].map((field) => field.value),
            ...performance.getEntries().map((entry) => entry.name)].join('\\n')";
        let everything = self.run(everything).await;
        let found = everything.as_str().is_none_or(|everything| everything.contains(secret));
        assert!(!found, "the secret is still there\n{}", self.tell(&self.text().await));
    }

    /// Sooner or later, this is nowhere.
    pub async fn wait_until_nowhere(&self, secret: &str) {
        let here = "return document.documentElement.outerHTML";
        let gone = async || (!self.run(here).await.as_str()?.contains(secret)).then_some(());
        self.wait_for("the secret to go", gone).await;
        self.finds_nowhere(secret).await;
    }

    /// htmx is waiting for an answer.
    pub async fn wait_for_request_under_way(&self) {
        let under_way = "return document.querySelector('.htmx-request') !== null";
        let under_way = async || (self.run(under_way).await == true).then_some(());
        self.wait_for("a request under way", under_way).await;
    }

    /// Something went wrong, and a toast says so.
    pub async fn sees_a_toast(&self) {
        let toast = "return document.querySelector('[data-toast]') !== null";
        let toast = async || (self.run(toast).await == true).then_some(());
        self.wait_for("a toast", toast).await;
    }

    /// The browser keeps nothing for our pages but cookies, and htmx the path it is at.
    pub async fn stores_nothing(&self) {
        let kept = "return Object.keys({ ...localStorage, ...sessionStorage })
            .filter((name) => name !== 'htmx-current-path-for-history')";
        assert_eq!(self.run(kept).await, json!([]));
    }

    /// The page came with this status.
    pub async fn was_answered(&self, status: u16) {
        let was = "return performance.getEntriesByType('navigation')[0].responseStatus";
        assert_eq!(self.run(was).await, status, "{}", self.tell(&self.text().await));
    }

    /// Nothing scrolls sideways.
    pub async fn fits(&self) {
        let width = "return [document.documentElement.scrollWidth, innerWidth]";
        let width: Vec<u64> = serde_json::from_value(self.run(width).await).unwrap_or_default();
        let wide = "return [...document.querySelectorAll('body *')].filter((element) => element.getBoundingClientRect().right > innerWidth)
            .slice(0, 8).map((element) => element.tagName + '.' + element.className).join(' ')";
        assert!(
            width[0] <= width[1],
            "{} is {} wide in a window of {}: {}\n{}",
            self.address().await,
            width[0],
            width[1],
            self.run(wide).await,
            self.tell("")
        );
    }

    /// Whether the browser would ask before this page is left.
    pub async fn would_be_asked(&self) -> bool {
        let ask = "const event = new Event('beforeunload', { cancelable: true }); dispatchEvent(event); return event.defaultPrevented";
        self.run(ask).await == true
    }

    /// The session is gone, as after an idle night.
    pub async fn loses_the_session(&self) {
        self.note("loses the session".into());
        let gone = self.chromium.driver.delete_all_cookies().await;
        gone.unwrap_or_else(|error| self.give_up(&error));
    }

    /// Asks the page itself.
    pub async fn run(&self, script: &str) -> Value {
        let answer = self.chromium.driver.execute(script, vec![]).await;
        answer.map_or(Value::Null, |answer| answer.json().clone())
    }

    /// What the console says that it should not have to say, since it was asked last.
    pub fn complaints(&self) -> Vec<String> {
        // Refusals are answers: the specs say which they expect. And a question that a newer one replaced was dropped
        // on purpose, which htmx calls an error.
        let is_expected = |said: &String| {
            said.contains("the server responded with a status of 4") && !said.contains("/static/")
                || said.contains("Response Status Error Code 4")
                || said.contains("\"htmx:sendAbort,")
                || said.contains("\"htmx:afterRequest,")
        };
        self.chromium.complaints().into_iter().filter(|said| !is_expected(said)).collect()
    }

    pub async fn devtools(&self, command: &str, parameters: Value) {
        let answer = self.chromium.driver.cdp().send_raw(command, parameters).await;
        answer.map(drop).unwrap_or_else(|error| self.give_up(&error));
    }

    /// All that can be read, one blank between words.
    pub async fn text(&self) -> String {
        tidy(self.run("return document.body?.innerText ?? ''").await.as_str().unwrap_or_default())
    }

    async fn find_all(&self, kind: &str, words: &str) -> Option<Vec<WebElement>> {
        let find = include_str!("person.js");
        let found = self.chromium.driver.execute(find, vec![json!(kind), json!(words)]).await;
        found.ok()?.elements().ok()
    }

    /// Two things of one name are none: nobody could say which is meant.
    async fn find(&self, kind: &str, words: &str) -> Option<WebElement> {
        let mut found = self.find_all(kind, words).await?;
        if found.len() == 1 { found.pop() } else { None }
    }

    async fn act_on(
        &self,
        kind: &str,
        words: &str,
        act: impl AsyncFn(&WebElement) -> thirtyfour::error::WebDriverResult<()>,
    ) {
        let acted = async || act(&self.find(kind, words).await?).await.ok();
        self.wait_for(&format!("a {kind} called “{words}”"), acted).await;
    }

    async fn wait_for<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            if began.elapsed() > PATIENCE {
                let text = self.text().await;
                panic!("there is not (or more than once) {what}\n{}", self.tell(&text));
            }
            rt::time::sleep(GLANCE).await;
        }
    }

    fn note(&self, step: String) {
        self.trail.borrow_mut().push(step);
    }

    fn tell(&self, text: &str) -> String {
        format!("── {}\n{text}\n──", self.trail.borrow().join(" · "))
    }

    fn give_up(&self, error: &impl std::fmt::Display) -> ! {
        panic!("{error}\n{}", self.tell(""))
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let picture = self.chromium.take_picture();
            eprintln!("what it looked like is in {}", picture.display());
            return;
        }
        let complaints = self.complaints();
        assert!(
            complaints.is_empty(),
            "the console complains:\n{}\n{}",
            complaints.join("\n"),
            self.tell("")
        );
    }
}

fn tidy(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
