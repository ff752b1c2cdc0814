//! What tests of the guard do to a world, in one word each.

use super::{
    http::{self, Reply},
    line::ANSWER_TIME,
    wait,
    world::{INSTANCE, World, update},
};
use serde_json::Value;
use std::time::Duration;
use tokio::task::JoinHandle;
use wa_gateway::{
    app::commands::{ContactsImport, InstancePause, InstanceResume, InstanceStatus, KeyList, KeyRevoke, SuppressAdd},
    model::clock::Clock,
    store::StoreError,
};

impl World {
    /// Grants limits on top of the plan.
    pub async fn grant(&self, daily: Option<u64>, monthly: Option<u64>) {
        self.grant_until(daily, monthly, None).await;
    }

    /// The same with an end.
    pub async fn grant_until(&self, daily: Option<u64>, monthly: Option<u64>, end: Option<&str>) {
        let mut request = update(self.account);
        (request.grant_daily, request.grant_monthly) = (daily, monthly);
        request.reason = Some("a reviewed request".into());
        request.until = end.map(str::to_owned);
        self.update_account(request).await;
    }

    /// Puts the account into another time zone.
    pub async fn move_to(&self, zone: &str) {
        let mut request = update(self.account);
        request.timezone = Some(zone.into());
        self.update_account(request).await;
    }

    /// Takes the plan away, or gives one.
    pub async fn set_plan(&self, name: &str) {
        let mut request = update(self.account);
        request.plan = Some(name.into());
        self.update_account(request).await;
    }

    /// Puts the Chattu module on an account's list.
    pub async fn with_chattu(&self, account: i64) {
        let mut request = update(account);
        request.modules = Some(vec!["api_access".into(), "chattu".into()]);
        self.update_account(request).await;
    }

    /// Takes the module of this API off the account's list.
    pub async fn take_module(&self) {
        let mut request = update(self.account);
        request.modules = Some(Vec::new());
        self.update_account(request).await;
    }

    /// Blocks somebody by hand.
    pub async fn suppress(&self, phone: &str) -> Value {
        let request = SuppressAdd { account: self.account, phone: phone.into(), ..Default::default() };
        self.command(request).await.expect("suppressed")
    }

    /// A person pauses the instance.
    pub async fn pause(&self) {
        let request = InstancePause { id: INSTANCE.into(), reason: "looks odd".into() };
        self.command(request).await.expect("paused");
    }

    /// A person resumes the instance.
    pub async fn resume(&self) {
        let request = InstanceResume { id: INSTANCE.into(), note: "talked to the owner".into() };
        self.command(request).await.expect("resumed");
    }

    /// Whether the instance is paused, and why.
    pub async fn pause_reason(&self) -> Option<String> {
        let shown = self.command(InstanceStatus { id: INSTANCE.into() }).await.expect("an instance");
        shown["pause_reason"].as_str().map(str::to_owned)
    }

    /// Brings people in as existing customers.
    pub async fn import_contacts(&self, phones: &[String]) {
        let csv = format!("phone\n{}\n", phones.join("\n"));
        let report =
            self.command(ContactsImport { account: self.account, csv, ..Default::default() }).await.expect("imported");
        assert_eq!(report["imported"], phones.len(), "{report}");
    }

    /// Revokes the world's own key.
    pub async fn revoke_key(&self) {
        let keys = self.command(KeyList { account: self.account }).await.expect("a list");
        let id = keys[0]["id"].as_i64().expect("an id");
        self.command(KeyRevoke { id }).await.expect("revoked");
    }

    /// A send that goes on while the test does something else.
    pub fn send_meanwhile(&self, body: &Value, more: &[&str]) -> JoinHandle<Reply> {
        let mut headers =
            vec!["Content-Type: application/json".to_owned(), format!("Authorization: Bearer {}", self.key)];
        headers.extend(more.iter().map(ToString::to_string));
        let (address, body) = (self.address(), body.to_string());
        tokio::spawn(async move { http::call(address, "POST", "/api/send-message", &headers, body.as_bytes()).await })
    }

    /// A message that the provider takes and never answers: the answer's time runs out once the phone has it.
    pub async fn send_into_silence(&self, body: &Value, more: &[&str]) -> Reply {
        self.sandbox("fail", "timeout_after_accept").await;
        let before = self.inbox().await.len();
        let sent = self.send_meanwhile(body, more);
        wait::until("the phone has it", async || self.inbox().await.len() > before).await;
        self.step(&[ANSWER_TIME.as_secs()]).await;
        let reply = sent.await.expect("an answer");
        self.sandbox("fail", "").await;
        reply
    }

    /// Ends when somebody sleeps for exactly so many seconds from now: a slot, a latency, a deadline.
    pub async fn somebody_waits(&self, seconds: u64) {
        self.clock.wait_for_sleeper_at(self.clock.now().plus(Duration::from_secs(seconds))).await;
    }

    /// Steps the clock by each of `steps`, in seconds, as soon as somebody waits for just that moment.
    pub async fn step(&self, steps: &[u64]) {
        for seconds in steps {
            self.somebody_waits(*seconds).await;
            self.later(Duration::from_secs(*seconds));
        }
    }

    /// What the clock shows.
    pub fn clock_shows(&self) -> String {
        self.clock.now().rfc3339()
    }

    /// Runs a statement on the database behind the gateway's back.
    pub async fn sql(&self, statement: &'static str) {
        let done = self.gateway().store.write(move |tx| tx.execute(statement, []));
        done.await.map_err(|e: StoreError| e.to_string()).expect(statement);
    }

    /// One number out of the database.
    pub async fn number(&self, query: &'static str) -> i64 {
        let read = self.gateway().store.read(move |tx| tx.one(query, [], |r| r.get(0)));
        read.await.map_err(|e: StoreError| e.to_string()).expect(query)
    }
}
