//! The command line as a real program: an instance is made with its secrets from files, and the doctor asks Meta.

use crate::harness::{
    graph::{APP_SECRET, Graph, TOKEN, VERIFY_TOKEN, refusal},
    program::Place,
};
use serde_json::{Value, json};
use std::sync::Arc;

/// Runs the program beside the API, which lives in this process.
async fn ok(place: &Arc<Place>, args: &[&str]) -> Value {
    let (place, args) = (place.clone(), args.iter().map(ToString::to_string).collect::<Vec<_>>());
    let ran = tokio::task::spawn_blocking(move || place.json(&args.iter().map(String::as_str).collect::<Vec<_>>()));
    ran.await.expect("it ran")
}

async fn examined(place: &Arc<Place>) -> Value {
    let report = ok(place, &["doctor"]).await;
    let all = report["checks"].as_array().expect("checks").clone();
    all.into_iter().find(|check| check["check"] == "instance").expect("one of the instance")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_is_made_and_the_doctor_looks_at_its_token() {
    let graph = Graph::start().await;
    let place = Arc::new(Place::with(&format!("[egress]\nallow = [\"{}\"]", graph.door.addr)));
    ok(&place, &["account", "create", "--name", "Shop", "--plan", "growth"]).await;
    let serving = {
        let place = place.clone();
        tokio::task::spawn_blocking(move || place.serve()).await.expect("it serves")
    };
    let mut create: Vec<String> = ["instance", "create", "--account", "1", "--id", "cloud-line", "--name", "Cloud"]
        .iter()
        .chain(&["--connector", "cloud-api"])
        .map(ToString::to_string)
        .collect();
    for (name, value) in graph.settings() {
        let value = if ["access_token", "app_secret", "verify_token"].contains(&name.as_str()) {
            let file = place.dir.path().join(&name);
            std::fs::write(&file, format!("{value}\n")).expect("a file");
            format!("@{}", file.display())
        } else {
            value
        };
        create.extend(["--set".to_owned(), format!("{name}={value}")]);
    }
    let made = ok(&place, &create.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_eq!((&made["state"], &made["health"]), (&json!("open"), &json!("ok")));

    let found = examined(&place).await;
    assert_eq!(found["status"], "ok");
    let text = found["text"].as_str().expect("a text");
    assert!(text.contains("cloud-line") && text.contains("+1 555-078-3881") && text.contains("green"), "{text}");
    let report = ok(&place, &["doctor"]).await;
    let points: Vec<&Value> =
        report["checks"].as_array().expect("checks").iter().filter(|check| check["check"] == "set-up").collect();
    assert_eq!(points.len(), 9, "{points:?}");
    let unsubscribed = points.iter().find(|p| p["text"].as_str().is_some_and(|t| t.contains("no app hears")));
    assert_eq!(unsubscribed.expect("it is deaf, and that is said")["status"], "warn");
    graph.state().number_fault = Some(("401 Unauthorized", refusal(190, "expired")));
    let found = examined(&place).await;
    assert_eq!(found["status"], "warn");
    assert!(found["text"].as_str().is_some_and(|t| t.contains("set access_token anew")), "{found}");

    let shown = ok(&place, &["instance", "status", "cloud-line"]).await.to_string() + &made.to_string();
    drop(serving);
    let log = place.log();
    for secret in [TOKEN, APP_SECRET, VERIFY_TOKEN] {
        assert!(!shown.contains(secret) && !log.contains(secret), "no secret is shown or logged");
    }
}
