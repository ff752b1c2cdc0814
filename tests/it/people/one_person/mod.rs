//! One person under every form of their number and every id: opt-out, window, erasure and import, by whatever door a
//! request comes in, and in whatever order the provider tells which names are one person's.

mod doubt;
mod former;
mod killed;
mod learning;
mod merging;
mod providers;
mod uses;

use crate::harness::{
    http,
    pbx::{self, Pbx},
    visitor::Visitor,
    world::{INSTANCE, World, message_to, update},
};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::app::root::everybody;
use wa_gateway::{
    app::commands::{
        ContactsImport, KeyCreate, PersonErase, SendText, SuppressImport, SuppressRemove, ThreecxSettings,
    },
    model::{
        clock::Clock as _,
        ids::{AccountId, InstanceId},
        phone::Recipient,
        purpose::Purpose,
    },
    sending::{
        Sender, Source,
        request::Draft,
        schedule::{NewSchedule, ScheduleState},
    },
};

/// Both forms of a number that is one account, for each family.
const FAMILIES: [[&str; 2]; 8] = [
    ["+5511987654321", "+551187654321"],
    ["+525512345678", "+5215512345678"],
    ["+5491123456789", "+541123456789"],
    ["+2290161234567", "+22961234567"],
    ["+2250707123456", "+22507123456"],
    ["+2252720212345", "+22520212345"],
    ["+576012345678", "+5712345678"],
    ["+84331234567", "+841631234567"],
];

/// Numbers that may be one person's, and may be two people's.
const RELATIVES: [[&str; 2]; 3] =
    [["+970591234567", "+972591234567"], ["+5511954321098", "+551154321098"], ["+38349123456", "+38649123456"]];

/// By which door a message goes out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Door {
    Guarded,
    Chattu,
    ChattuChat,
    ThreecxEvent,
    ThreecxSms,
    Cli,
    PortalSend,
    PortalChat,
    Schedule,
}

const DOORS: [Door; 9] = [
    Door::Guarded,
    Door::Chattu,
    Door::ChattuChat,
    Door::ThreecxEvent,
    Door::ThreecxSms,
    Door::Cli,
    Door::PortalSend,
    Door::PortalChat,
    Door::Schedule,
];

/// A gateway with every door open.
struct House {
    world: World,
    chattu: String,
    pbx: Pbx,
    staff: Visitor,
    /// Words for messages of the chat page, each used once.
    nonces: usize,
}

impl House {
    async fn open() -> Self {
        let world = World::start_with(|config| {
            config.chattu.requests_per_15_minutes = 0;
            config.chattu.chat_per_minute = 0;
            config.guard.recipient_burst = 1000;
            config.guard.throttle_burst = 1000;
            config.guard.health_min_messages = 1_000_000;
            config.guard.outreach_support = 0;
            config.guard.outreach_other = 0;
            config.guard.repetition_support = 0;
            config.guard.repetition_transactional = 0;
        })
        .await;
        let pbx = world.pbx(ThreecxSettings::default()).await;
        let mut request = update(world.account);
        request.modules = Some(vec!["api_access".into(), "3cx".into(), "chattu".into()]);
        world.update_account(request).await;
        let make = KeyCreate {
            account: world.account,
            name: "chattu".into(),
            instances: Vec::new(),
            kind: "chattu".into(),
            purpose: None,
            scopes: Vec::new(),
            addresses: Vec::new(),
        };
        let chattu = world.command(make).await.expect("a key")["key"].as_str().expect("its text").to_owned();
        let staff = Visitor::logged_in(&world, "owner").await;
        Self { world, chattu, pbx, staff, nonces: 0 }
    }

    /// What reached the phones of either form.
    async fn arrived(&self, forms: [&str; 2]) -> Vec<String> {
        let inbox = self.world.inbox().await;
        let to = |row: &Value| row["to"].as_str().unwrap_or_default().to_owned();
        inbox.iter().map(to).filter(|to| forms.contains(&to.as_str())).collect()
    }

    async fn chattu(&mut self, path: &str, body: &Value) -> bool {
        let headers = [format!("x-api-key: {}", self.chattu), "Content-Type: application/json".to_owned()];
        let reply = http::call(self.world.address(), "POST", path, &headers, body.to_string().as_bytes()).await;
        reply.status == 200
    }

    /// Sends through one door; whether that door said that it went.
    async fn sends(&mut self, door: Door, to: &str, text: &str) -> bool {
        let world = &self.world;
        match door {
            Door::Guarded => {
                let body = json!({"instance_id": INSTANCE, "phone": to, "message": text,
                                  "message_purpose": "transactional"});
                world.send(&body).await.status == 200
            }
            Door::Chattu => {
                let body = json!({"clientId": INSTANCE, "number": to.trim_start_matches('+'), "message": text});
                self.chattu("/api/send-message", &body).await
            }
            Door::ChattuChat => {
                let path = format!("/api/chats/{INSTANCE}/{}@c.us/send", to.trim_start_matches('+'));
                self.staff.json("POST", &path, &json!({"message": text})).await.status == 200
            }
            Door::ThreecxEvent => {
                let mut body = pbx::reply_to(to);
                body["message_text"] = json!(text);
                world.event(&self.pbx, &body).await.status == 200
            }
            Door::ThreecxSms => world.agent_writes(&self.pbx, to, text).await.status == 200,
            Door::Cli => {
                let args = SendText {
                    instance: INSTANCE.into(),
                    to: to.into(),
                    purpose: "transactional".into(),
                    text: text.into(),
                    source: "cli".into(),
                };
                world.command(args).await.is_ok_and(|answer| answer["success"] == true)
            }
            Door::PortalSend => {
                let fields = [("phone", to), ("message", text), ("purpose", "transactional")];
                let reply = self.staff.post(&format!("/instances/{INSTANCE}/send"), &fields).await;
                let page = reply.header("location").unwrap_or_default().to_owned();
                let log_id = page.rsplit('/').next().and_then(|id| id.parse::<i64>().ok());
                self.went(log_id).await
            }
            Door::PortalChat => {
                let before = self.newest().await;
                let path = format!("/chat/{INSTANCE}/{}/send", to.trim_start_matches('+'));
                self.nonces += 1;
                let nonce = format!("n{}", self.nonces);
                let _ = self.staff.post(&path, &[("text", text), ("nonce", &nonce)]).await;
                let log_id = self.newest().await.filter(|id| Some(*id) != before);
                self.went(log_id).await
            }
            Door::Schedule => {
                let due_at = world.clock.now().plus(Duration::from_secs(60));
                let account = AccountId(world.account);
                let new = NewSchedule {
                    sender: Sender { account, key: None, source: Source::Schedule, module: None, request_id: None },
                    account,
                    instance: InstanceId::from_text(INSTANCE),
                    recipient: Recipient::parse(to, None).expect("a phone"),
                    draft: Draft::Text(text.into()),
                    purpose: Purpose::Transactional,
                    reference: None,
                    due_at,
                    created_by: "test".into(),
                };
                let id = world.gateway().schedules.create(new).await.expect("it is kept").id;
                world.later(Duration::from_secs(61));
                loop {
                    world.gateway().schedules.step().await.expect("a step");
                    let entry = world.gateway().schedules.find(everybody(), id).await.expect("it is there");
                    match entry.state {
                        ScheduleState::Pending => tokio::task::yield_now().await,
                        state => return state == ScheduleState::Sent,
                    }
                }
            }
        }
    }

    async fn newest(&self) -> Option<i64> {
        let read = self
            .world
            .gateway()
            .store
            .read(|tx| tx.one("SELECT max(id) FROM messages", [], |r| r.get::<_, Option<i64>>(0)));
        read.await.map_err(|e: wa_gateway::store::StoreError| e.to_string()).expect("rows")
    }

    async fn went(&self, log_id: Option<i64>) -> bool {
        let Some(log_id) = log_id else { return false };
        let row = self.world.row(&json!(log_id)).await;
        ["sent", "delivered", "read"].contains(&row["status"].as_str().unwrap_or_default())
    }
}

#[tokio::test]
async fn who_said_stop_under_one_form_gets_nothing_under_the_other_by_any_door() {
    let mut house = House::open().await;
    for [a, b] in FAMILIES.into_iter().chain(RELATIVES) {
        for (said, asked) in [(a, b), (b, a)] {
            house.world.hears(said, "STOP").await;
            for door in DOORS {
                for to in [asked, said] {
                    assert!(!house.sends(door, to, "Your order is ready.").await, "{said} said stop: {door:?} to {to}");
                }
            }
            assert_eq!(house.arrived([a, b]).await, Vec::<String>::new(), "{said}");
            house.world.hears(said, "START").await;
        }
    }
    house.world.stop().await;
}

#[tokio::test]
async fn who_wrote_under_one_form_can_be_answered_under_the_other_by_any_door_and_gets_it_where_it_was_asked_for() {
    let mut house = House::open().await;
    for [a, b] in FAMILIES {
        for (wrote, asked) in [(a, b), (b, a)] {
            house.world.hears(wrote, "Hello").await;
            for door in DOORS {
                let text = format!("An answer by {door:?} to {asked}");
                assert!(house.sends(door, asked, &text).await, "{wrote} wrote: {door:?} to {asked}");
                let inbox = house.world.inbox().await;
                let it = inbox.iter().find(|row| row["text"] == text.as_str()).unwrap_or_else(|| panic!("{text}"));
                // A chat's answer goes where the person is known; everything else where it was sent to.
                let chats = [Door::ChattuChat, Door::PortalChat].contains(&door);
                assert!(chats || it["to"] == asked, "{door:?}: {} instead of {asked}", it["to"]);
            }
        }
    }
    // Only the telephone system asks for a window here.
    for [a, b] in RELATIVES {
        house.world.hears(a, "Hello").await;
        assert!(!house.sends(Door::ThreecxEvent, b, "Is this you?").await, "{a} wrote, and {b} may be somebody else");
        assert!(house.sends(Door::ThreecxEvent, a, "Hello!").await);
    }
    house.world.stop().await;
}

#[tokio::test]
async fn erased_under_one_form_leaves_nothing_under_the_other() {
    let mut house = House::open().await;
    for [a, b] in FAMILIES {
        for (used, named) in [(a, b), (b, a)] {
            house.world.hears(used, "Hello").await;
            for door in DOORS {
                house.sends(door, used, &format!("Said to you by {door:?}")).await;
            }
            house.world.hears(used, "STOP").await;
            house.world.command(PersonErase { phone: named.into() }).await.expect("erased");
            for table in
                ["messages", "inbound_messages", "contact_identities", "schedules", "events", "threecx_requests"]
            {
                let found = traces(&house.world, table, [a, b]).await;
                assert_eq!(found, 0, "{table} after {named} was erased");
            }
            for phone in [a, b] {
                assert!(!house.sends(Door::Guarded, phone, "Hello again").await, "{phone} had said stop");
            }
            house.world.hears(used, "START").await;
            assert!(house.sends(Door::Guarded, named, "Welcome back").await, "START under {used}");
            house.world.command(PersonErase { phone: used.into() }).await.expect("erased");
        }
    }
    house.world.stop().await;
}

/// Rows of a table in which either form stands.
async fn traces(world: &World, table: &'static str, forms: [&str; 2]) -> i64 {
    let digits = forms.map(|form| form.trim_start_matches('+').to_owned());
    let read = world.gateway().store.read(move |tx| {
        let columns = tx.list("SELECT name FROM pragma_table_info(?1)", [table], |r| r.get::<_, String>(0))?;
        let any = columns
            .iter()
            .map(|c| format!("instr(coalesce(\"{c}\", ''), ?1) > 0 OR instr(coalesce(\"{c}\", ''), ?2) > 0"))
            .collect::<Vec<_>>()
            .join(" OR ");
        tx.one(&format!("SELECT count(*) FROM {table} WHERE {any}"), [&digits[0], &digits[1]], |r| r.get(0))
    });
    read.await.map_err(|e: wa_gateway::store::StoreError| e.to_string()).expect("rows")
}

#[tokio::test]
async fn an_imported_block_holds_for_both_forms_by_any_door() {
    let mut house = House::open().await;
    for [a, b] in FAMILIES.into_iter().chain(RELATIVES) {
        for (listed, asked) in [(a, b), (b, a)] {
            let account = house.world.account;
            let csv = format!("phone,reason\n{listed},complained\n");
            let report =
                house.world.command(SuppressImport { account, csv, ..Default::default() }).await.expect("a report");
            assert_eq!(report["imported"], 1, "{report}");
            for door in DOORS {
                assert!(!house.sends(door, asked, "Your order is ready.").await, "{listed} is blocked: {door:?}");
            }
            let lift = SuppressRemove { account, phone: listed.into() };
            house.world.command(lift).await.expect("lifted");
            assert!(house.sends(Door::Guarded, asked, "Your order is ready.").await, "lifted for {asked}, too");
        }
    }
    house.world.stop().await;
}

#[tokio::test]
async fn an_imported_customer_is_no_stranger_under_either_form() {
    let world = World::start_with(|config| config.guard.outreach_other = 1).await;
    let account = world.account;
    for [a, b] in FAMILIES {
        let csv = format!("phone,name\n{a},Ana\n");
        world.command(ContactsImport { account, csv, ..Default::default() }).await.expect("a report");
        assert_eq!(world.send(&message_to(b)).await.status, 200, "{b} is {a}, who is known");
    }
    world.stop().await;
}

#[tokio::test]
async fn rates_codes_strikes_repeats_and_keys_count_a_person_once() {
    let world = World::start_with(|config| config.guard.authentication_limit = 1).await;
    for [a, b] in FAMILIES {
        let code = |phone: &str| {
            json!({"instance_id": INSTANCE, "phone": phone, "message": "Your code is 482913",
                   "message_purpose": "authentication"})
        };
        assert_eq!(world.send(&code(a)).await.status, 200);
        assert_eq!(world.send(&code(b)).await.error(), "sending_throttled", "{b} is {a}");
        let key = format!("Idempotency-Key: order-{a}");
        let first = world.send_with(&world.key, &message_to(a), &[&key]).await;
        let again = world.send_with(&world.key, &message_to(b), &[&key]).await;
        assert_eq!((first.status, again.status), (200, 200), "{}", again.body);
        assert_eq!(first.json()["message_id"], again.json()["message_id"]);
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        world.later(Duration::from_secs(60));
    }
    world.stop().await;
}
