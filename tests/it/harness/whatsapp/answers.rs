//! Questions of clients: keys, who has WhatsApp and with which devices, groups, the lock, and what only needs a "yes".

use super::{Out, Shared, State, attribute, bytes, children, jid_attribute, lid, number_of, pn};
use tokio::sync::mpsc::UnboundedSender;
use whatsapp_rust::{
    Jid, NodeBuilder,
    buffa::Message as _,
    wacore_binary::{JidExt as _, Node},
    waproto::whatsapp as wa,
};

pub(super) fn answer(shared: &Shared, me: u64, out: &UnboundedSender<Out>, node: &Node) {
    if !matches!(attribute(node, "type").as_str(), "get" | "set") {
        return;
    }
    let mut state = shared.state();
    let kids = match (attribute(node, "xmlns").as_str(), attribute(node, "type").as_str()) {
        ("encrypt", "set") => {
            if keys_come(&mut state, me, node) {
                super::phone::share_keys(shared, &mut state, me);
            }
            Vec::new()
        }
        ("encrypt", "get") if node.get_optional_child("count").is_some() => {
            let left = state.devices.get(&me).map_or(0, |d| d.once.len());
            vec![NodeBuilder::new("count").attr("value", left.to_string()).build()]
        }
        ("encrypt", "get") => keys_go(&mut state, node),
        ("usync", _) => vec![usync(&state, node)],
        ("passive", _) if node.get_optional_child("active").is_some() => {
            let waiting = super::relay::bring_kept(&state, me);
            let offline = NodeBuilder::new("offline").attr("count", waiting.to_string()).build();
            let ib = NodeBuilder::new("ib").attr("from", "s.whatsapp.net").children([offline]);
            let _ = out.send(Out::Stanza(ib.build()));
            Vec::new()
        }
        ("w:sync:app:state", _) => vec![nothing_to_sync(node)],
        ("w:m", _) => vec![state.shelf.host(shared.files.get().expect("it is open"))],
        ("w:profile:picture", _) => picture(&state, node),
        ("w:g2", _) => groups(&state, node),
        ("w:mex", _) => mex(&state, node),
        ("md", "set") if node.get_optional_child("remove-companion-device").is_some() => {
            state.devices.remove(&me);
            Vec::new()
        }
        ("abt" | "w", _) => vec![NodeBuilder::new("props").attr("protocol", "1").build()],
        ("privacy", _) => vec![NodeBuilder::new("privacy").build()],
        _ => Vec::new(),
    };
    let iq = NodeBuilder::new("iq").attr("from", "s.whatsapp.net").attr("type", "result");
    let iq = super::timed(iq, state.time);
    let _ = out.send(Out::Stanza(iq.attr("id", attribute(node, "id")).children(kids).build()));
}

/// A device brings its keys; whether these are its first.
fn keys_come(state: &mut State, me: u64, node: &Node) -> bool {
    let Some(device) = state.devices.get_mut(&me) else { return false };
    let is_new = device.signed.is_none();
    if let Some(list) = node.get_optional_child("list") {
        device.registration = bytes(node.get_optional_child("registration"));
        device.once.extend(children(Some(list)).iter().cloned());
    }
    if let Some(signed) = node.get_optional_child("skey") {
        device.signed = Some(signed.clone());
    }
    is_new && device.signed.is_some() && !device.once.is_empty()
}

/// Somebody wants to write to devices for the first time.
fn keys_go(state: &mut State, node: &Node) -> Vec<Node> {
    let wanted: Vec<Jid> =
        children(node.get_optional_child("key")).iter().filter_map(|user| jid_attribute(user, "jid")).collect();
    vec![keys_of(state, &wanted)]
}

/// One key of each kind of these devices.
pub(super) fn keys_of(state: &mut State, wanted: &[Jid]) -> Node {
    let mut users = Vec::new();
    for jid in wanted {
        let user = NodeBuilder::new("user").attr("jid", jid.clone());
        let real = state.device_of(jid).filter(|_| jid.device == 1);
        let device = real.and_then(|real| state.devices.get_mut(&real)).filter(|d| d.signed.is_some());
        let kids = match device {
            Some(device) => [
                Some(NodeBuilder::new("registration").bytes(device.registration.clone()).build()),
                Some(NodeBuilder::new("type").bytes(vec![5]).build()),
                Some(NodeBuilder::new("identity").bytes(device.identity.clone()).build()),
                device.once.pop(),
                device.signed.clone(),
                Some(NodeBuilder::new("device-identity").bytes(device.account.clone()).build()),
            ]
            .into_iter()
            .flatten()
            .collect(),
            // Phones themselves are not played.
            None => vec![NodeBuilder::new("error").attr("code", "404").build()],
        };
        users.push(user.children(kids).build());
    }
    NodeBuilder::new("list").children(users).build()
}

/// Who has WhatsApp, under which hidden id, with which devices.
fn usync(state: &State, node: &Node) -> Node {
    let usync = node.get_optional_child("usync").expect("what is asked");
    let query = usync.get_optional_child("query").expect("for what");
    let asked_for = |what: &str| query.get_optional_child(what).is_some();
    let mut users = Vec::new();
    for user in children(usync.get_optional_child("list")) {
        let typed = user.get_optional_child("contact").and_then(|c| c.content_as_string());
        let typed = typed.map(|number| number.trim_start_matches('+').to_owned()).filter(|n| !n.is_empty());
        let Some(jid) = typed.map(Jid::pn).or_else(|| jid_attribute(user, "jid")) else { continue };
        let number = number_of(&jid).unwrap_or_default();
        let real = state.device_of(&jid).filter(|_| !state.strangers.contains(&number));
        let device = real.and_then(|real| state.devices.get(&real));
        let mut kids = Vec::new();
        if asked_for("contact") {
            let is_in = if device.is_some() { "in" } else { "out" };
            kids.push(NodeBuilder::new("contact").attr("type", is_in).build());
        }
        if device.is_some() && asked_for("lid") {
            kids.push(NodeBuilder::new("lid").attr("val", lid(number)).build());
        }
        if device.is_some() && asked_for("devices") {
            kids.push(devices());
        }
        users.push(NodeBuilder::new("user").attr("jid", jid.to_non_ad()).children(kids).build());
    }
    let list = NodeBuilder::new("list").children(users).build();
    NodeBuilder::new("usync").children([NodeBuilder::new("result").build(), list]).build()
}

/// The phone, and one linked device.
fn devices() -> Node {
    let device = |id: &'static str| NodeBuilder::new("device").attr("id", id);
    let list =
        NodeBuilder::new("device-list").children([device("0").build(), device("1").attr("key-index", "1").build()]);
    let index = wa::ADVKeyIndexList {
        raw_id: Some(1),
        timestamp: Some(super::now()),
        current_index: Some(1),
        valid_indexes: vec![0, 1],
        ..Default::default()
    };
    let index = wa::ADVSignedKeyIndexList { details: Some(index.encode_to_vec()), ..Default::default() };
    let index = NodeBuilder::new("key-index-list").attr("ts", super::now().to_string()).bytes(index.encode_to_vec());
    NodeBuilder::new("devices").children([list.build(), index.build()]).build()
}

fn nothing_to_sync(node: &Node) -> Node {
    let collections = children(node.get_optional_child("sync")).iter().map(|collection| {
        NodeBuilder::new("collection").attr("name", attribute(collection, "name")).attr("version", "0").build()
    });
    NodeBuilder::new("sync").children(collections.collect::<Vec<_>>()).build()
}

/// All groups, or the one that is asked for.
fn groups(state: &State, node: &Node) -> Vec<Node> {
    let group = |(id, (subject, members)): (&String, &(String, Vec<u64>))| {
        let people = members.iter().map(|number| {
            NodeBuilder::new("participant").attr("jid", lid(*number)).attr("phone_number", pn(*number)).build()
        });
        NodeBuilder::new("group")
            .attr("id", id.trim_end_matches("@g.us").to_owned())
            .attr("subject", subject.clone())
            .attr("s_t", "1700000000")
            .attr("creation", "1700000000")
            .attr("addressing_mode", "lid")
            .attr("size", members.len().to_string())
            .children(people.collect::<Vec<_>>())
            .build()
    };
    if node.get_optional_child("participating").is_some() {
        let all = state.groups.iter().map(group).collect::<Vec<_>>();
        return vec![NodeBuilder::new("groups").children(all).build()];
    }
    let wanted = attribute(node, "to");
    state.groups.iter().filter(|(id, _)| **id == wanted).map(group).collect()
}

/// Where somebody's picture is.
fn picture(state: &State, node: &Node) -> Vec<Node> {
    let whose = ["target", "to"].iter().find_map(|name| jid_attribute(node, name));
    let whose = whose.map(|jid| number_of(&jid).filter(|_| !jid.is_group()).map_or(jid.to_string(), |n| n.to_string()));
    let url = whose.and_then(|whose| state.pictures.get(&whose));
    let picture = NodeBuilder::new("picture");
    vec![match url {
        Some(url) => picture.attr("id", "1700000000").attr("url", url.clone()).attr("type", "preview").build(),
        None => picture.children([NodeBuilder::new("error").attr("code", "404").build()]).build(),
    }]
}

/// The questions of this kind that are answered: whether new chats are locked and how many are left, and which channels
/// are followed.
fn mex(state: &State, node: &Node) -> Vec<Node> {
    let query = node.get_optional_child("query").map(|q| attribute(q, "query_id")).unwrap_or_default();
    let lock = serde_json::json!({
        "is_active": state.locked_until.is_some(),
        "time_enforcement_ends": state.locked_until.map(|at| at.to_string()),
        "enforcement_type": "RESTRICT_ALL_COMPANIONS",
    });
    let is_lock = query == whatsapp_rust::wacore::iq::mex_operations::fetch_reachout_timelock::DOC_ID;
    let is_channels = query == whatsapp_rust::wacore::iq::mex_operations::fetch_all_newsletters_metadata::DOC_ID;
    let is_cap = query == whatsapp_rust::wacore::iq::mex_operations::fetch_new_chat_message_capping_info::DOC_ID;
    let data = if is_lock {
        serde_json::json!({"data": {"xwa2_fetch_account_reachout_timelock": lock}})
    } else if let Some((used, total, until)) = state.quota.filter(|_| is_cap) {
        let cap = serde_json::json!({"total_quota": total.to_string(), "used_quota": used.to_string(),
                                     "cycle_end_timestamp": until.to_string(), "capping_status": "FIRST_WARNING"});
        serde_json::json!({"data": {"xwa2_message_capping_info": cap}})
    } else if is_channels {
        let all = state.channels.iter().map(|(id, name, role)| {
            serde_json::json!({
                "id": id, "state": {"type": "active"}, "viewer_metadata": {"role": role},
                "thread_metadata": {"name": {"text": name}, "description": {"text": "What is new"},
                                    "subscribers_count": "90", "creation_time": "1700000000",
                                    "picture": {"direct_path": "/v/channel.jpg"}},
            })
        });
        serde_json::json!({"data": {"xwa2_newsletter_subscribed": all.collect::<Vec<_>>()}})
    } else {
        serde_json::json!({"data": {}})
    };
    vec![NodeBuilder::new("result").bytes(data.to_string().into_bytes()).build()]
}
