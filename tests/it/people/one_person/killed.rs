//! kill -9 of the real program between what the provider tells of a person: its answer, its receipt and the person's own
//! opt-out under the hidden id, in each order.

use crate::{
    harness::{
        graph::{Graph, Sent},
        http::{self, Reply},
        program::{Place, Serving},
        wait,
    },
    sending::crash::checker::open_database,
};
use serde_json::{Value, json};

const LINE: &str = "cloud-line";
const PHONE: &str = "+966501234567";
const HIDDEN: &str = "SA.13491208655302741918";

/// The program at Meta's API, which lives in this process and outlives it.
struct Trial {
    place: Place,
    key: String,
    graph: Graph,
    serving: Option<Serving>,
}

impl Trial {
    async fn new() -> Self {
        let graph = Graph::start().await;
        let place = Place::with(&format!("[egress]\nallow = [\"{}\"]", graph.door.addr));
        let key = tokio::task::block_in_place(|| {
            let account = place.json(&["account", "create", "--name", "Shop", "--plan", "growth"])["id"].to_string();
            let sets: Vec<String> = graph.settings().into_iter().map(|(k, v)| format!("{k}={v}")).collect();
            let mut create = vec!["instance", "create", "--account", &account, "--id", LINE, "--name", "Line"];
            create.extend(["--connector", "cloud-api"]);
            create.extend(sets.iter().flat_map(|set| ["--set", set]));
            place.json(&create);
            let key = place.json(&["key", "create", "--account", &account]);
            key["key"].as_str().expect("a key").to_owned()
        });
        let mut trial = Self { place, key, graph, serving: None };
        trial.start().await;
        trial
    }

    /// Starts it, and waits until the number is known to be open.
    async fn start(&mut self) {
        let looked = self.graph.asked("GET /v25.0/106540352242922?");
        self.serving = Some(tokio::task::block_in_place(|| self.place.serve()));
        let graph = &self.graph;
        wait::until("the number was looked at", async || graph.asked("GET /v25.0/106540352242922?") > looked).await;
        let open = || tokio::task::block_in_place(|| self.place.json(&["instance", "list"])[0]["state"] == "open");
        wait::until("the number is open", async || open()).await;
    }

    /// SIGKILL, and a new start.
    async fn die(&mut self) {
        let serving = self.serving.take().expect("it serves");
        tokio::task::block_in_place(|| serving.kill());
        self.start().await;
    }

    fn address(&self) -> std::net::SocketAddr {
        self.serving.as_ref().expect("it serves").address
    }

    async fn send(&self, to: &str, text: &str) -> Reply {
        let body = json!({"instance_id": LINE, "phone": to, "message": text, "message_purpose": "transactional"});
        let headers = [format!("Authorization: Bearer {}", self.key), "Content-Type: application/json".to_owned()];
        http::call(self.address(), "POST", "/api/send-message", &headers, body.to_string().as_bytes()).await
    }

    async fn brings(&self, value: Value) {
        assert_eq!(self.graph.call(self.address(), LINE, value).await, 200);
    }

    fn one(&self, sql: &str) -> i64 {
        open_database(&self.place.database()).query_row(sql, [], |r| r.get(0)).expect("a number")
    }
}

/// Some moment of the machine's own clock, as the provider writes it.
fn stamp() -> String {
    use wa_gateway::model::clock::Clock as _;
    wa_gateway::model::clock::SystemClock.now().seconds().to_string()
}

fn stop() -> Value {
    json!({"messages": [{"from_user_id": HIDDEN, "id": "wamid.stop", "timestamp": stamp(), "type": "text",
                         "text": {"body": "STOP"}}]})
}

fn receipt(sent: &Sent) -> Value {
    json!({"statuses": [{
        "id": sent.id, "status": "delivered", "timestamp": stamp(), "recipient_id": PHONE.trim_start_matches('+'),
        "recipient_user_id": HIDDEN, "biz_opaque_callback_data": sent.ours(),
    }]})
}

/// The message goes out. With `answered` its answer is heard, and names both ids; without, the program dies first.
async fn first_message(trial: &mut Trial, answered: bool) -> Sent {
    let hello = json!({"messages": [{"from": PHONE.trim_start_matches('+'), "id": "wamid.hello", "timestamp": stamp(),
                                     "type": "text", "text": {"body": "Is it ready?"}}]});
    trial.brings(hello).await;
    if answered {
        trial.graph.state().hidden.insert(PHONE.to_owned(), HIDDEN.to_owned());
        assert_eq!(trial.send(PHONE, "Your order is ready.").await.status, 200);
        trial.die().await;
    } else {
        trial.graph.hold_answers(true);
        let graph = &trial.graph;
        tokio::select! {
            biased;
            _ = trial.send(PHONE, "Your order is ready.") => panic!("answers are held"),
            () = wait::until("Meta has it", async || !graph.sent().is_empty()) => {}
        }
        trial.die().await;
        trial.graph.hold_answers(false);
    }
    trial.graph.sent().pop().expect("it went")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_contact_and_one_opt_out_remain_whenever_the_program_is_killed() {
    for (order, answered) in [("RO", true), ("OR", true), ("RO", false), ("OR", false)] {
        let mut trial = Trial::new().await;
        let label = format!("{order}, answered {answered}");
        let sent = first_message(&mut trial, answered).await;
        for step in order.chars() {
            trial.brings(if step == 'R' { receipt(&sent) } else { stop() }).await;
            trial.die().await;
        }
        let names = format!("SELECT count(*) FROM contact_identities WHERE value IN ('{PHONE}', '{HIDDEN}')");
        assert_eq!(trial.one(&names), 2, "{label}: both names");
        assert_eq!(trial.one("SELECT count(*) FROM contacts"), 1, "{label}: one contact");
        assert_eq!(trial.one("SELECT count(*) FROM suppressions WHERE lifted_at IS NULL"), 1, "{label}");
        let contact = format!("contact:{}", trial.one("SELECT id FROM contacts"));
        for to in [PHONE, &contact] {
            let reply = trial.send(to, "Are you coming?").await;
            assert_eq!(reply.error(), "recipient_suppressed", "{label}: to {to}");
        }
        assert_eq!(trial.graph.sent().len(), 1, "{label}: nothing else left");
    }
}
