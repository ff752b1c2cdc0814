//! One way without a break, through the real program and a real browser: the phone is linked from the page, a program
//! sends, the customer's phone decrypts it, gets it, reads it and answers, the answer is told to the program. Once as it
//! is, and once with kill -9 twice in the middle of each step: nothing is lost or doubled on either side.

use super::{
    rig::OWN,
    trial::{LINE, Trial},
};
use crate::harness::{browser::Browser, program::wait_until, whatsapp::Fault};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use wa_gateway::{
    app::{commands::UserLoginLink, control},
    connectors::Content,
};

const EMAIL: &str = "boss@shop.example";
/// Every line of the chat's page: its text, and how far it is if it is ours.
const LINES: &str = "return [...document.querySelectorAll('[data-lines] [data-id]')].map((line) => \
    [line.querySelector('.text').textContent, line.querySelector('.tick')?.className ?? ''])";

struct Journey {
    trial: Trial,
    browser: Browser,
    /// How often it is killed in the middle of each step.
    kills: usize,
}

impl Journey {
    /// An instance that waits to be linked, and its owner in front of its page.
    fn begin(kills: usize) -> Self {
        let trial = Trial::unlinked();
        trial.place.json(&["user", "create", "--account", "1", "--email", EMAIL, "--role", "owner"]);
        let link = UserLoginLink { email: EMAIL.into() }.into();
        let link = trial.runtime.block_on(control::ask(&trial.place.data, &link)).expect("it runs").expect("a link");
        let link = link["link"].as_str().expect("an address").to_owned();
        let browser = trial.runtime.block_on(Browser::open(&origin(&trial), 1000));
        let journey = Self { trial, browser, kills };
        journey.goto(&link[link.find("/login/").expect("a login link")..]);
        journey.goto(&format!("/instances/{LINE}/manage"));
        journey
    }

    fn goto(&self, path: &str) {
        self.trial.runtime.block_on(self.browser.goto(path));
    }

    fn script(&self, script: &str) -> Value {
        self.trial.runtime.block_on(self.browser.script(script))
    }

    fn kill_and_start(&mut self) {
        self.trial.kill();
        self.trial.start();
        self.browser.move_to(&origin(&self.trial));
    }

    /// Begins something that is unfinished until a stanza of the program's arrives, which is lost: killed there, as often as
    /// it is to be.
    fn step(&mut self, lost: (&'static str, &'static str), begin: impl FnOnce(&Trial)) {
        if self.kills > 0 {
            self.trial.service.lose(OWN, lost.0, lost.1);
        }
        begin(&self.trial);
        self.kill_where_it_is_lost(lost);
    }

    fn kill_where_it_is_lost(&mut self, (tag, child): (&'static str, &'static str)) {
        for n in 1..=self.kills {
            wait_until("it stands in the middle", || self.trial.service.were_lost() > 0);
            self.trial.kill();
            self.trial.service.lose_nothing();
            if n < self.kills {
                self.trial.service.lose(OWN, tag, child);
            }
            self.trial.start();
            self.browser.move_to(&origin(&self.trial));
        }
    }

    /// The code on the page, once that is the one that the program shows.
    fn code_on_the_page(&self) -> String {
        let mut code = String::new();
        wait_until("the page shows the code", || {
            let pairing = self.trial.place.json(&["instance", "pair", LINE]);
            pairing["qr"].as_str().expect("a code").clone_into(&mut code);
            let mark: String = Sha256::digest(code.as_bytes()).iter().take(4).map(|b| format!("{b:02x}")).collect();
            let picture = "return document.querySelector('img.qr')?.naturalWidth > 0 \
                           ? document.querySelector('img.qr').getAttribute('src') : ''";
            self.script(picture).as_str().is_some_and(|src| src.ends_with(&format!("?{mark}")))
        });
        code
    }

    /// The phone scans what the page shows.
    fn link(&mut self) {
        for _ in 0..self.kills {
            self.code_on_the_page();
            self.kill_and_start();
            self.goto(&format!("/instances/{LINE}/manage"));
        }
        let code = self.code_on_the_page();
        self.step(("iq", "list"), |trial| trial.service.scan(OWN, &code));
        self.trial.until_open();
        if self.kills > 0 {
            self.goto(&format!("/instances/{LINE}/manage"));
        }
        wait_until("the page says that it is open", || {
            self.script("return !document.querySelector('img.qr') && !!document.querySelector('.facts .state.open')")
                == true
        });
    }

    /// A program sends, and the customer's phone decrypts it: under which id.
    fn send(&mut self) -> String {
        if self.kills > 0 {
            // WhatsApp takes it and its word is lost; the receipt of its delivery will not be acknowledged either.
            self.trial.service.fault_next(Fault::Silent);
            self.trial.service.lose(OWN, "ack", "");
        }
        let caller = self.trial.send("first");
        wait_until("WhatsApp has it", || !self.trial.service.taken().is_empty());
        let id = self.trial.service.taken()[0].2.clone();
        let got = self.trial.runtime.block_on(self.trial.customer.got(&id));
        assert_eq!(got.text.as_deref(), Some("Your order first has been shipped."));
        for _ in 0..self.kills {
            self.kill_and_start();
        }
        let answer = caller.join().expect("ended");
        assert_eq!(answer.is_none(), self.kills > 0);
        assert!(answer.is_none_or(|answer| answer.header("x-message-status") == Some("sent")));
        id
    }

    fn delivered(&mut self) {
        self.trial.until_status("delivered");
        self.kill_where_it_is_lost(("ack", ""));
        self.until_acknowledged();
        self.trial.until_status("delivered");
    }

    fn read(&mut self, id: &str) {
        self.step(("ack", ""), |trial| trial.read(id));
        self.trial.until_status("read");
        self.until_acknowledged();
    }

    /// The customer answers, and the program that is told of it takes its time.
    fn answered(&mut self, id: &str) {
        self.trial.receiver.hold(self.kills > 0);
        self.step(("receipt", ""), |trial| {
            let thanks = Content::Text("شكرا".to_owned());
            let written = trial.customer.answer(OWN, "msg_01ANSWER", thanks, Some(id));
            trial.runtime.block_on(written).expect("taken");
        });
        wait_until("it is heard", || self.trial.heard() == ["شكرا"]);
        self.until_acknowledged();
        for _ in 0..self.kills {
            let before = self.attempts("message.received");
            self.kill_and_start();
            wait_until("it is told again", || self.attempts("message.received") > before);
        }
        self.trial.receiver.hold(false);
        wait_until("the program has it", || self.trial.told("message.received") == 1);
    }

    fn attempts(&self, name: &str) -> usize {
        self.trial.receiver.got().iter().filter(|got| got.json()["event"] == name).count()
    }

    fn until_acknowledged(&self) {
        self.trial.until_open();
        wait_until("all is acknowledged", || self.trial.service.kept(OWN) == 0);
    }

    /// What each side has in the end.
    fn each_thing_is_there_once(&self) {
        self.trial.until_open();
        let trial = &self.trial;
        assert_eq!(trial.arrived().into_iter().collect::<Vec<_>>(), [("Your order first has been shipped.".into(), 1)]);
        let ours = trial.service.taken().into_iter().filter(|(from, ..)| *from == OWN);
        assert_eq!((ours.count(), trial.only().status.as_str(), trial.heard().len()), (1, "read", 1));
        for name in ["message.delivered", "message.read", "message.received"] {
            wait_until("it is told", || trial.told(name) > 0);
            let got = trial.receiver.got();
            let events = got.iter().map(|got| got.json()).filter(|event| event["event"] == name);
            let ids: BTreeSet<String> = events.map(|event| event["event_id"].to_string()).collect();
            assert_eq!((ids.len(), trial.told(name)), (1, 1), "{name}");
        }
        self.goto(&format!("/chat?instance={LINE}&chat=c1"));
        // WhatsApp's times are of whole seconds: an answer within the same one may stand above what it answers.
        let lines = BTreeSet::from(["[\"Your order first has been shipped.\",\"tick read\"]", "[\"شكرا\",\"\"]"]);
        wait_until("the chat's page has both", || {
            let shown = self.script(LINES);
            let shown: Vec<String> = shown.as_array().into_iter().flatten().map(ToString::to_string).collect();
            shown.len() == lines.len() && shown.iter().all(|line| lines.contains(line.as_str()))
        });
    }
}

fn origin(trial: &Trial) -> String {
    format!("http://{}", trial.serving.as_ref().expect("it runs").address)
}

fn from_the_page_to_the_answer(kills: usize) {
    let mut journey = Journey::begin(kills);
    journey.link();
    let id = journey.send();
    journey.delivered();
    journey.read(&id);
    journey.answered(&id);
    journey.each_thing_is_there_once();
}

#[test]
fn from_the_page_to_the_answer_without_a_break() {
    from_the_page_to_the_answer(0);
}

#[test]
fn from_the_page_to_the_answer_killed_twice_in_each_step() {
    from_the_page_to_the_answer(2);
}
