//! The command line as a real program, with a running gateway and without one: what it prints where, its exit codes,
//! what is in force when it returns, and what it leaves in the data directory.

use crate::harness::{
    load::{Asked, Client},
    program::{Place, Ran, Serving, program, run},
};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
};

mod demo;
mod places;
mod standby;

const LINE: &str = "shop-line";
const AMAL: &str = "+966501234567";
const TEXT: &str = "Your order #2041 has been shipped.";

/// A place whose provider time-outs are short.
fn place() -> Place {
    Place::with("[sending]\nanswer_timeout = \"1s\"")
}

/// Every command once, with `--json`. The same with and without a running gateway.
fn tour(place: &Place) {
    people_and_keys(place);
    instances_and_messages(place);
    lists_of_people(place);
    telephone_systems(place);
    phones(place);
    a_person(place);
    assert_eq!(place.json(&["check-config"])["ok"], true);
    assert_eq!(place.json(&["doctor"])["ok"], true);
    let mild = place.json(&["policy", "check", TEXT]);
    assert_eq!((&mild["score"], &mild["verdict"]), (&json!(0), &json!("sent")));
    assert!(mild["model"].as_u64().is_some_and(|share| share < 50) && mild["words"] == json!([]), "{mild}");
    let bait = place.json(&["policy", "check", "You have won a cash prize, claim it now!"]);
    assert!(bait["verdict"] == "refused" && bait["model"].as_u64().is_some_and(|share| share >= 50), "{bait}");
    let words: Vec<&str> = bait["words"].as_array().into_iter().flatten().filter_map(|w| w["words"].as_str()).collect();
    assert!(words.iter().any(|words| words.contains("won")), "{bait}");
    let odd = place.run(&["--json", "policy", "judge", "1", "perhaps"]);
    assert!(odd.code == 1 && odd.line().contains("right or wrong"), "{odd:?}");
    let none = place.run(&["--json", "policy", "judge", "999999", "wrong"]);
    assert!(none.code == 1 && none.line().contains("999999"), "{none:?}");
    let judged = place.json(&["policy", "examples"]);
    assert!(judged["csv"].as_str().is_some_and(|csv| csv.starts_with("label\tlanguage\ttext\n")), "{judged}");
    let sample = place.json(&["check-config", "--print-defaults"]);
    assert!(sample["sample"].as_str().expect("a text").contains("throttle_per_minute = 60"));
}

fn people_and_keys(place: &Place) {
    let create = ["account", "create", "--name", "Shop", "--plan", "growth", "--modules", "api_access, 3cx,"];
    assert_eq!(place.json(&create), json!({"ok": true, "id": 1}));
    let update = ["account", "update", "1", "--grant-daily", "700", "--reason", "festival", "--region", "SA"];
    assert_eq!(place.json(&update)["daily_limit"], 700);
    assert_eq!(place.json(&["account", "update", "1", "--disable-module", "3cx"])["modules"], json!(["api_access"]));
    assert_eq!(place.json(&["account", "list"])[0]["name"], "Shop");
    assert!(!place.json(&["account", "disable", "1"])["disabled_at"].is_null());
    assert!(place.json(&["account", "enable", "1"])["disabled_at"].is_null());
    assert_eq!(place.json(&["account", "requests"]), json!([]));
    let nothing = place.run(&["--json", "account", "deny", "7", "--answer", "no"]);
    assert!(nothing.code == 1 && nothing.line().contains("no request 7"), "{nothing:?}");

    let owner = ["--json", "user", "create", "--account", "1", "--email", "o@shop.example", "--role", "owner"];
    let with_password = run(place.program(&[&owner[..], &["--password-stdin"]].concat()), "correct horse battery\n");
    assert_eq!(with_password.code, 0, "{with_password:?}");
    assert!(with_password.json()["link"].is_null(), "a password needs no link");
    let viewer = place.json(&["user", "create", "--account", "1", "--email", "v@shop.example", "--role", "viewer"]);
    let link = viewer["link"].as_str().expect("a link").to_owned();
    let again = place.json(&["user", "reset-password", "v@shop.example"]);
    assert_ne!(again["link"], link.as_str());
    let users = place.json(&["user", "list"]).to_string();
    assert!(users.contains("o@shop.example") && !users.contains("argon2"), "{users}");

    let key = place.json(&["key", "create", "--account", "1", "--name", "ERP"]);
    let text = key["key"].as_str().expect("a key");
    assert!(text.starts_with("wg_live_") && text.len() == 44, "{text}");
    let listed = place.json(&["key", "list", "--account", "1"]);
    assert_eq!(listed[0]["name"], "ERP");
    assert!(!listed.to_string().contains(text), "a key is shown once");
    assert_eq!(place.json(&["key", "revoke", &key["id"].to_string()])["ok"], true);
    let chattu = ["key", "create", "--account", "1", "--kind", "chattu"];
    let id = place.json(&chattu)["id"].to_string();
    let support = place.json(&[&chattu[..], &["--purpose", "support"]].concat())["id"].clone();
    let purposes = || {
        place
            .json(&["key", "list", "--account", "1"])
            .as_array()
            .map(|all| all.iter().map(|k| k["purpose"].clone()).collect::<Vec<_>>())
    };
    assert_eq!(purposes(), Some(vec![json!(null), json!("transactional"), json!("support")]));
    let set = place.json(&["key", "set", &id, "--purpose", "authentication"]);
    assert_eq!((&set["ok"], &set["purpose"]), (&json!(true), &json!("authentication")));
    assert_eq!(purposes(), Some(vec![json!(null), json!("authentication"), json!("support")]), "{support}");
}

fn instances_and_messages(place: &Place) {
    let made = ["instance", "create", "--account", "1", "--id", LINE, "--name", "Shop", "--connector", "sandbox"];
    let made = place.json(&[&made[..], &["--set", "receipts=none", "--set", "reject_calls=on"]].concat());
    assert_eq!((&made["reject_calls"], &made["settings"]["receipts"]), (&json!(true), &json!("none")));
    assert_eq!((&made["id"], &made["state"], &made["health"]), (&json!(LINE), &json!("open"), &json!("ok")));
    assert_eq!(place.json(&["instance", "list"]).as_array().map(Vec::len), Some(1));
    assert_eq!(place.json(&["instance", "set", LINE, "latency_ms=1"])["settings"]["latency_ms"], "1");
    assert!(!place.json(&["instance", "pause", LINE, "--reason", "complaints"])["paused_at"].is_null());
    let send = ["send", "--instance", LINE, "--to", "050 123 4567", "--purpose", "transactional", TEXT];
    let refused = place.run(&[&["--json"], &send[..]].concat());
    assert_eq!((refused.code, &refused.json()["error"]), (1, &json!("instance_paused_for_review")));
    assert!(refused.line().contains("instance_paused_for_review"), "{refused:?}");
    assert!(place.json(&["instance", "resume", LINE, "--note", "talked to them"])["paused_at"].is_null());

    let sent = place.json(&send);
    assert_eq!((&sent["success"], &sent["status"]), (&json!(true), &json!("sent")));
    let id = sent["log_id"].to_string();
    let shown = place.json(&["message", "show", &id]);
    assert_eq!((&shown["status"], &shown["to"]), (&json!("sent"), &json!(AMAL)));
    let of_line = place.json(&["message", "list", "--instance", LINE, "--status", "sent", "--limit", "5"]);
    assert_eq!(of_line[0]["log_id"].to_string(), id);

    place.json(&["sandbox", "set", "--instance", LINE, "fail=timeout_after_accept"]);
    let unknown = place.run(&[&["--json"], &send[..7], &["Your order #2042 has been shipped."]].concat());
    assert_eq!((unknown.code, &unknown.json()["message_status"]), (1, &json!("unknown")));
    let id = unknown.json()["log_id"].to_string();
    assert_eq!(place.json(&["message", "settle", &id, "sent", "--note", "she has it"])["status"], "sent");
    assert_eq!(place.json(&["message", "show", &id])["status"], "sent");
    place.json(&["sandbox", "set", "--instance", LINE, "fail="]);
}

fn lists_of_people(place: &Place) {
    let add = ["suppress", "add", "--account", "1", "--phone", "0501234567", "--reason", "asked by phone"];
    assert_eq!(place.json(&add)["phone"], AMAL);
    let send = ["--json", "send", "--instance", LINE, "--to", AMAL, "--purpose", "support", TEXT];
    assert_eq!(place.run(&send).json()["error"], "recipient_suppressed");
    let list = place.json(&["suppress", "list", "--account", "1"]);
    assert_eq!((&list[0]["phone"], &list[0]["source"]), (&json!(AMAL), &json!("manual")));
    place.json(&["suppress", "remove", "--account", "1", "--phone", AMAL]);
    assert_eq!(place.json(&["suppress", "list", "--account", "1"]), json!([]));

    let file = place.dir.path().join("numbers.csv");
    fs::write(&file, "phone,note\n0501234568,moved away\nnot a number,x\n").expect("a file");
    let file = file.to_str().expect("UTF-8");
    assert_eq!(place.json(&["suppress", "import", "--account", "1", file])["imported"], 1);
    let import = place.program(&["--json", "contacts", "import", "--account", "1", "-"]);
    let imported = run(import, "+966501234569;Badr\n+966501234570;Dana\n");
    assert_eq!((imported.code, &imported.json()["imported"]), (0, &json!(2)), "{imported:?}");
}

fn telephone_systems(place: &Place) {
    let create = ["threecx", "create", "--account", "1", "--instance", LINE, "--call-events", "on", "--signing", "off"];
    let more = ["--allow", "192.0.2.7", "--allow", "2001:db8::/32", "--business-name", "The Shop"];
    let made = place.json(&[&create[..], &more[..]].concat());
    let text = |value: &Value, name: &str| value[name].as_str().expect(name).to_owned();
    let (id, secret, signing) = (text(&made, "id"), text(&made, "secret"), text(&made, "signing_secret"));
    assert!(id.starts_with("tcx_") && secret.starts_with("wg3cx_") && signing.starts_with("whsec_"), "{made}");
    let sms = ["--destination", "https://pbx.example/sms", "--mode", "sms", "--trunk-number", "011 234 5678"];
    let changed = place.json(&[&["threecx", "update", id.as_str(), "--allow", "any"], &sms[..]].concat());
    assert_eq!((&changed["allowlist"], &changed["trunk_number"]), (&json!([]), &json!("+966112345678")));
    assert_eq!((&changed["call_event_enabled"], &changed["outbound_enabled"]), (&json!(true), &json!(true)));
    let rotated = place.json(&["threecx", "rotate", &id]);
    assert!(rotated["secret"] != made["secret"] && rotated["signing_secret"] != made["signing_secret"], "{rotated}");
    let template = ["threecx", "template", &id, "missed_call", "--enable", "--text", "Sorry, {{customer_phone}}"];
    assert_eq!(place.json(&template)["enabled"], true);
    let shown = place.json(&["threecx", "template", &id, "missed_call"]);
    assert_eq!(shown["text"], "Sorry, {{customer_phone}}");
    let listed = place.json(&["threecx", "list"]);
    assert_eq!((&listed[0]["id"], &listed[0]["account_name"]), (&json!(id), &json!("Shop")));
    assert!(!listed.to_string().contains(&secret), "a secret is shown once");
    let webhooks = place.json(&["webhook", "list"]);
    assert_eq!((&webhooks[0]["format"], &webhooks[0]["managed_by"]), (&json!("sms"), &json!(format!("3cx:{id}"))));
    let kept = place.run(&["webhook", "delete", &webhooks[0]["id"].to_string()]);
    assert!(kept.code == 1 && kept.line().contains("3cx:"), "{kept:?}");
    place.json(&["threecx", "update", &id, "--destination", ""]);
    assert_eq!(place.json(&["webhook", "list"]), json!([]));
}

fn phones(place: &Place) {
    let inbox = place.json(&["sandbox", "inbox", "--instance", LINE, "--phone", AMAL]);
    let fields: Vec<&String> = inbox[0].as_object().expect("a message").keys().collect();
    assert_eq!(fields, ["provider_message_id", "message_id", "to", "text", "at"]);
    assert_eq!(inbox[0]["text"], TEXT);
    let from = ["--instance", LINE, "--from", AMAL];
    assert_eq!(place.json(&[&["sandbox", "receive"], &from[..], &["Thanks!"]].concat())["ok"], true);
    assert_eq!(place.json(&[&["sandbox", "call"], &from[..], &["--missed"]].concat())["ok"], true);
    assert_eq!(place.json(&[&["sandbox", "group"], &from[..], &["Hello all"]].concat())["ok"], true);
    assert_eq!(place.json(&["instance", "delete", LINE])["ok"], true);
    assert_eq!(place.json(&["instance", "list"]), json!([]));
}

/// Everything about a person is JSON, whoever asks.
fn a_person(place: &Place) {
    let for_people = place.run(&["export", "--phone", AMAL]);
    let shown: Value = serde_json::from_str(&for_people.stdout).expect("JSON");
    assert_eq!(shown["phone"], AMAL);
    assert!(for_people.stdout.lines().count() > 10, "one fact a line");
    let for_programs = place.json(&["export", "--phone", AMAL]);
    assert_eq!(for_programs["people"], shown["people"]);
}

#[test]
fn every_command_works_without_a_running_gateway() {
    tour(&place());
}

#[test]
fn every_command_works_with_a_running_gateway() {
    let place = place();
    let serving = place.serve();
    tour(&place);
    assert_eq!(serving.stop().0, 0);
}

#[test]
fn people_get_lines_where_programs_get_json() {
    let place = Place::new();
    let key = place.furnish(LINE);
    for (args, expected) in [
        (&["account", "list"][..], "daily_limit"),
        (&["instance", "status", LINE], "state: open"),
        (&["message", "list"], "nothing there"),
        (&["key", "list", "--account", "1"], &key[..12]),
        (&["doctor"], "database"),
        (&["check-config", "--print-defaults"], "[guard]"),
    ] {
        let ran = place.run(args);
        assert!(ran.code == 0 && ran.stderr.is_empty() && ran.stdout.contains(expected), "{args:?}: {ran:?}");
        assert!(serde_json::from_str::<Value>(&ran.stdout).is_err(), "{args:?} is for people");
    }
}

/// What cannot be done, and a word of the line that says so.
const FAILURES: [(&[&str], &str); 25] = [
    (&["account", "create", "--name", " "], "needs a name"),
    (&["account", "create", "--name", "X", "--plan", "gold"], "starter, growth, scale"),
    (&["account", "create", "--name", "X", "--timezone", "Mars/Olympus"], "no time zone"),
    (&["account", "update", "77", "--plan", "growth"], "there is no account 77"),
    (&["user", "create", "--account", "1", "--email", "nobody", "--role", "owner"], "email"),
    (&["user", "create", "--account", "1", "--email", "a@b.example", "--role", "boss"], "admin, owner or viewer"),
    (&["key", "create", "--account", "1", "--instance", "no-such-line"], "no-such-line"),
    (&["key", "revoke", "77"], "77"),
    (&["key", "create", "--account", "1", "--purpose", "support"], "--kind chattu"),
    (&["key", "create", "--account", "1", "--kind", "chattu", "--purpose", "marketing"], "use one of"),
    (&["key", "set", "77", "--purpose", "support"], "no key 77"),
    (&["key", "set", "1", "--purpose", "spam"], "internal_team"),
    (&["instance", "status", "no-such-line"], "no-such-line"),
    (&["instance", "set", LINE, "latency=5"], "did you mean latency_ms"),
    (&["message", "show", "77"], "log id 77"),
    (&["message", "list", "--status", "lost"], "use one of"),
    (&["suppress", "add", "--account", "1", "--phone", "12"], "phone"),
    (&["contacts", "import", "--account", "1", "/no/such/file.csv"], "/no/such/file.csv"),
    (&["threecx", "create", "--account", "1", "--instance", "no-such-line"], "no-such-line"),
    (&["threecx", "create", "--account", "77", "--instance", LINE], "no account 77"),
    (&["threecx", "create", "--account", "1", "--instance", LINE, "--mode", "fax"], "event or sms"),
    (&["threecx", "create", "--account", "1", "--instance", LINE, "--destination", "http://10.0.0.1/"], "10.0.0.1"),
    (&["threecx", "update", "tcx_none", "--outbound", "off"], "tcx_none"),
    (&["threecx", "template", "tcx_none", "test"], "tcx_none"),
    (
        &[
            "instance",
            "create",
            "--account",
            "1",
            "--id",
            "xyz",
            "--name",
            "X",
            "--connector",
            "sandbox",
            "--set",
            "reject_calls=1",
        ],
        "on or off",
    ),
];

fn each_failure_is_one_line(place: &Place) {
    for (args, word) in FAILURES {
        let ran = place.run(args);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{args:?}: {ran:?}");
        assert!(ran.line().starts_with("wa-gateway: ") && ran.line().contains(word), "{args:?}: {ran:?}");
        let ran = place.run(&[&["--json"], args].concat());
        assert_eq!((ran.code, &ran.json()["ok"]), (1, &json!(false)), "{args:?}");
        assert!(ran.json()["error"].as_str().is_some_and(|e| e.contains(word)), "{args:?}: {ran:?}");
    }
}

#[test]
fn what_cannot_be_done_is_exit_1_and_one_line() {
    let place = Place::new();
    place.furnish(LINE);
    each_failure_is_one_line(&place);
    let serving = place.serve();
    each_failure_is_one_line(&place);
    assert_eq!(serving.stop().0, 0);
}

#[test]
fn wrong_usage_is_exit_2_and_help_is_not() {
    let place = Place::new();
    let wrong: [&[&str]; 11] = [
        &["no-such-command"],
        &["account"],
        &["account", "create"],
        &["account", "list", "--no-such-flag"],
        &["key", "revoke", "not-a-number"],
        &["key", "set", "1"],
        &["account", "update", "1", "--grant-daily", "5"],
        &["message", "list", "--limit", "0"],
        &["instance", "set", LINE],
        &["threecx", "update", "tcx_x", "--outbound", "maybe"],
        &["threecx", "template", "tcx_x", "missed_call", "--enable", "--disable"],
    ];
    for args in wrong {
        let ran = place.run(args);
        assert!(ran.code == 2 && ran.stdout.is_empty() && !ran.stderr.is_empty(), "{args:?}: {ran:?}");
    }
    for args in [&["--help"][..], &["account", "create", "--help"], &["--version"]] {
        let ran = place.run(args);
        assert!(ran.code == 0 && ran.stderr.is_empty() && !ran.stdout.is_empty(), "{args:?}: {ran:?}");
    }
    assert!(!place.data.exists(), "none of them touched the data directory");
}

/// What this build does not have is in no help and in no manual, and is not offered where something else was wrong.
#[test]
fn only_what_the_build_has_is_offered() {
    let place = Place::new();
    let dir = tempfile::TempDir::new().expect("a directory");
    let manual = place.run(&["man", "--dir", dir.path().to_str().expect("UTF-8")]);
    assert_eq!(manual.code, 0, "{manual:?}");
    let page = std::fs::read_to_string(dir.path().join("wa-gateway-instance-create.1")).expect("a page");
    let help = place.run(&["instance", "create", "--help"]).stdout;
    place.json(&["account", "create", "--name", "Shop"]);
    let wrong = ["--account", "1", "--id", "a-line", "--name", "A", "--connector", "telegram"];
    let refused = place.run(&[&["instance", "create"], &wrong[..]].concat()).stderr;
    let config = Place::with("[chattu]\nnew_client_connector = \"telegram\"").run(&["check-config"]).stderr;
    // The version says, too, what the build is without.
    let page = page.replace("\\-", "-").replace("without whatsapp-web)", "");
    for text in [&page, &help, &refused, &config] {
        assert!(["sandbox", "cloud-api", "evolution"].iter().all(|word| text.contains(word)), "{text}");
        assert_eq!(text.contains("whatsapp-web"), cfg!(feature = "whatsapp-web"), "{text}");
    }
}

#[test]
fn a_key_is_in_force_and_out_of_force_at_once() {
    let place = Place::new();
    place.furnish(LINE);
    let serving = place.serve();
    let key = place.json(&["key", "create", "--account", "1"]);
    let mut client = Client::connect(serving.address, key["key"].as_str().expect("a key"), LINE).expect("it listens");
    let mut send = |name: &str| {
        let asked = Asked { name: name.to_owned(), phone: AMAL.to_owned() };
        client.send(&asked).expect("an answer")
    };
    assert_eq!(send("new").status, 200, "a key that was just made");
    place.json(&["instance", "pause", LINE, "--reason", "complaints"]);
    assert_eq!(send("paused").error(), "instance_paused_for_review");
    place.json(&["instance", "resume", LINE, "--note", "talked to them"]);
    place.json(&["suppress", "add", "--account", "1", "--phone", AMAL]);
    assert_eq!(send("suppressed").error(), "recipient_suppressed");
    place.json(&["suppress", "remove", "--account", "1", "--phone", AMAL]);
    assert_eq!(send("again").status, 200);
    place.json(&["account", "update", "1", "--plan", "none"]);
    assert_eq!(send("no plan").error(), "active_plan_required");
    place.json(&["account", "update", "1", "--plan", "scale"]);
    place.json(&["key", "revoke", &key["id"].to_string()]);
    let refused = send("revoked");
    assert_eq!((refused.status, refused.error().as_str()), (401, "revoked_api_key"));
    assert_eq!(serving.stop().0, 0);
}

#[test]
fn commands_at_the_same_time_wait_for_each_other() {
    let place = Place::new();
    let create = |n: usize| place.program(&["--json", "account", "create", "--name", &format!("Shop {n}")]);
    let running: Vec<_> = (0..5).map(create).map(|c| std::thread::spawn(move || run(c, ""))).collect();
    let ran: Vec<Ran> = running.into_iter().map(|r| r.join().expect("a command")).collect();
    assert!(ran.iter().all(|r| r.code == 0), "{ran:?}");
    assert_eq!(place.json(&["account", "list"]).as_array().map(Vec::len), Some(5));
}
